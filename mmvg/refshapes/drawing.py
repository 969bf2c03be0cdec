"""Draw a scene: a colour image, and for every object the exact mask of what is visible of it.

Everything is filled on a canvas that is finer than the image by an integer factor and then averaged, so that the image
is smooth and the masks follow from the very same pixels.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from .attributes import COLOURS
from .scene import Scene, SceneObject
from .shapes import Contour


@dataclass
class Drawing:
    """A drawn scene of N objects.

    Args:
        image: (H, W, 3) uint8, BGR.
        masks: (N, H, W) bool, the visible pixels of each object; no two overlap.
        handles: (N, H, W) bool, the visible pixels of each handle; part of the mask.
        visible: (N,) share of each object that is not covered.
        labels: (H * s, W * s) uint8, number of the object + 1 on the fine canvas; 0 is background.
        handle_labels: Same, for handles only.
        oversample: The factor s.

    Example:
        >>> from mmvg.refshapes import sample_scene
        >>> drawing = draw_scene(sample_scene(np.random.default_rng(0)))
        >>> len(drawing.masks) == len(drawing.handles) == len(drawing.visible)
        True
    """

    image: np.ndarray
    masks: np.ndarray
    handles: np.ndarray
    visible: np.ndarray
    labels: np.ndarray
    handle_labels: np.ndarray
    oversample: int


def draw_scene(scene: Scene, oversample: int = 3) -> Drawing:
    """Draw ``scene``; the same scene gives the same pixels.

    Args:
        scene: What to draw.
        oversample: Fine pixels s per image pixel, along one side.

    Example:
        >>> from mmvg.refshapes import sample_scene
        >>> drawing = draw_scene(sample_scene(np.random.default_rng(0)))
        >>> drawing.image.shape, drawing.masks.shape  # (H, W, 3) and (N, H, W)
        ((144, 144, 3), (4, 144, 144))
    """
    labels = np.zeros((scene.height * oversample, scene.width * oversample), np.uint8)
    handle_labels = np.zeros_like(labels)
    image = draw_background(scene)
    areas = [
        _draw_object(thing, number, oversample, image, labels, handle_labels)
        for number, thing in enumerate(scene.objects, start=1)
    ]
    visible = np.bincount(labels.ravel(), minlength=len(areas) + 1)[1:] / np.array(areas)
    rng = np.random.default_rng(scene.seed)
    image += 2 * rng.standard_normal(image.shape, np.float32)
    masks = _downsample(labels, len(areas), oversample)
    handles = _downsample(handle_labels, len(areas), oversample) & masks
    image = np.clip(np.round(image), 0, 255).astype(np.uint8)
    return Drawing(image, masks, handles, visible, labels, handle_labels, oversample)


def draw_background(scene: Scene) -> np.ndarray:
    """Draw a greyish cloudy texture with faint lines and blobs, (H, W, 3) float32 BGR; none of it is an object."""
    rng = np.random.default_rng([scene.seed, 1])
    size = (scene.width, scene.height)
    base = rng.uniform(100, 160) + rng.uniform(-10, 10, 3)
    clouds = rng.normal(0, 1, (7, 9, 1)) * 11 + rng.normal(0, 1, (7, 9, 3)) * 3
    background = cv2.resize((base + clouds).astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
    clutter = np.zeros((scene.height, scene.width), np.float32)
    for _ in range(rng.integers(3, 9)):
        start, stop = _pixel(rng.uniform(0, size, 2)), _pixel(rng.uniform(0, size, 2))
        thickness = max(1, round(scene.short_side * rng.uniform(0.002, 0.012)))
        faint = np.zeros((scene.height, scene.width), np.uint8)
        cv2.line(faint, start, stop, 255, thickness, cv2.LINE_AA)
        clutter += faint * np.float32(rng.uniform(-16, 16) / 255)
    for _ in range(rng.integers(2, 7)):
        axes = _pixel(rng.uniform(0.03, 0.12, 2) * scene.short_side)
        centre, angle = _pixel(rng.uniform(0, size)), float(rng.uniform(0, 180))
        faint = np.zeros((scene.height, scene.width), np.uint8)
        cv2.ellipse(faint, centre, axes, angle, 0, 360, 255, -1, cv2.LINE_AA)
        clutter += faint * np.float32(rng.uniform(-12, 12) / 255)
    return background + clutter[..., None]


def _pixel(point: np.ndarray) -> tuple[int, int]:
    """Cut a point to whole pixels."""
    return int(point[0]), int(point[1])


def _draw_object(
    thing: SceneObject, number: int, oversample: int, image: np.ndarray, labels: np.ndarray, handle_labels: np.ndarray
) -> int:
    """Draw one object over what is there, and return its whole area in fine pixels."""
    body, handle = ([c * oversample for c in part] for part in (thing.body(), thing.handle()))
    outline = np.concatenate(body + handle)
    # a window of whole image pixels around the object
    x1, y1 = np.maximum(np.floor(outline.min(0) / oversample).astype(int) - 1, 0)
    x2, y2 = np.minimum(np.ceil(outline.max(0) / oversample).astype(int) + 1, (image.shape[1], image.shape[0]))
    origin = (int(x1) * oversample, int(y1) * oversample)
    window = np.s_[origin[1] : y2 * oversample, origin[0] : x2 * oversample]
    shape = labels[window].shape
    body_mask, handle_mask = (fill(part, shape, origin) for part in (body, handle))
    mask = body_mask | handle_mask

    edge = np.zeros(shape, np.uint8)
    lines = [np.round((c - origin) * 16 - 8).astype(np.int32) for c in body + handle]
    cv2.polylines(edge, lines, True, 1, max(1, oversample - 1), shift=4)
    paint = _paint(thing, mask, handle_mask, edge.astype(bool), origin, oversample)
    size = (int(x2 - x1), int(y2 - y1))
    cover = cv2.resize(mask.view(np.uint8) * 255, size, interpolation=cv2.INTER_AREA)[..., None] / np.float32(255)
    paint = cv2.resize(paint, size, interpolation=cv2.INTER_AREA)
    image[y1:y2, x1:x2] = image[y1:y2, x1:x2] * (1 - cover) + paint

    labels[window][mask] = number
    handle_labels[window][mask] = 0
    handle_labels[window][handle_mask] = number
    return int(mask.sum())


def _paint(
    thing: SceneObject, mask: np.ndarray, handle: np.ndarray, edge: np.ndarray, origin: tuple[int, int], oversample: int
) -> np.ndarray:
    """Colour an object within a window of the fine canvas, (h, w, 3) uint8 BGR; black outside its mask."""
    colour = np.clip(np.array(COLOURS[thing.colour][::-1]) * thing.shade, 0, 255)
    contrast = _contrast(colour)
    on_handle, on_edge = (weight * colour + (1 - weight) * contrast for weight in (0.72, 0.45))
    palette = np.round([colour, on_handle, contrast, on_edge, np.zeros(3)]).astype(np.uint8)
    index = handle.astype(np.uint8)
    index[_pattern(thing, mask.shape, origin, oversample)] = 2
    index[edge] = 3
    index[~mask] = 4
    return palette[index]


def fill(contours: list[Contour], shape: tuple[int, int], origin: tuple[int, int] = (0, 0)) -> np.ndarray:
    """Fill contours by the even-odd rule.

    Args:
        contours: Each (P, 2), in pixels; pixel (0, 0) covers [0, 1) x [0, 1).
        shape: (H, W) of the mask.
        origin: Where its first pixel is, x and y.

    Returns:
        (H, W) bool.

    Example:
        >>> fill([np.array([[1.2, 1.2], [3.8, 1.2], [3.8, 2.8], [1.2, 2.8]])], (4, 6)).astype(int)
        array([[0, 0, 0, 0, 0, 0],
               [0, 1, 1, 1, 0, 0],
               [0, 1, 1, 1, 0, 0],
               [0, 0, 0, 0, 0, 0]])
    """
    mask = np.zeros(shape, np.uint8)
    if contours:
        cv2.fillPoly(mask, [np.round((c - origin) * 16 - 8).astype(np.int32) for c in contours], 1, shift=4)
    return mask.astype(bool)


def _contrast(colour: np.ndarray) -> np.ndarray:
    """Choose a colour for stripes, dots and edges that is seen on ``colour`` (BGR) without changing its hue."""
    luminance = colour @ (0.114, 0.587, 0.299)
    return 0.3 * colour + 0.7 * 255 if luminance < 90 else 0.35 * colour


def _pattern(thing: SceneObject, shape: tuple[int, int], origin: tuple[int, int], oversample: int) -> np.ndarray:
    """Find where stripes or dots lie in a window of the fine canvas, (h, w) bool; they turn with the object."""
    if thing.pattern == 'plain':
        return np.zeros(shape, bool)
    rows, columns = np.indices(shape, dtype=np.float32) + 0.5
    dx = (columns + origin[0]) / oversample - thing.x
    dy = (rows + origin[1]) / oversample - thing.y
    # a period of at least 5.5 image pixels, so that patterns can be told apart at every size
    period = max(0.2 * thing.extent, 5.5)
    cos, sin = np.cos(thing.angle + np.pi / 4), np.sin(thing.angle + np.pi / 4)
    u, v = (dx * cos - dy * sin) / period, (dx * sin + dy * cos) / period
    if thing.pattern == 'striped':
        return np.mod(u, 1) < 0.42
    return (np.mod(u, 1) - 0.5) ** 2 + (np.mod(v, 1) - 0.5) ** 2 < 0.3**2


def _downsample(labels: np.ndarray, number: int, oversample: int) -> np.ndarray:
    """Return masks (``number``, H, W) bool of the pixels of which at least half belongs to the object."""
    height, width = labels.shape[0] // oversample, labels.shape[1] // oversample
    masks = np.zeros((number, height, width), bool)
    for index in range(number):
        own = (labels == index + 1).view(np.uint8) * 255
        if own.any():
            masks[index] = cv2.resize(own, (width, height), interpolation=cv2.INTER_AREA) >= 128
    return masks
