"""Where a picture lies in the input of a model, and the way back, on arrays."""

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

_INTERPOLATIONS = dict(
    nearest=cv2.INTER_NEAREST,
    bilinear=cv2.INTER_LINEAR,
    bicubic=cv2.INTER_CUBIC,
    area=cv2.INTER_AREA,
    lanczos=cv2.INTER_LANCZOS4,
)


@dataclass(frozen=True)
class Placement:
    """A picture that was resized, and perhaps put on a canvas.

    Args:
        original: Height and width of the picture.
        input: Those of the input.
        scale: Input pixels per original pixel, x and y.
        shift: Place of the left upper corner in the input, x and y.

    Example:
        >>> placed = Placement((64, 128), (64, 64), (0.5, 0.5), (0, 16))
        >>> placed.boxes(np.array([[10.0, 0.0, 20.0, 26.0]], np.float32))
        array([[20.,  0., 40., 20.]], dtype=float32)
        >>> placed.maps(np.ones((1, 64, 64), np.float32)).shape
        (1, 64, 128)
    """

    original: tuple[int, int]
    input: tuple[int, int]
    scale: tuple[float, float]
    shift: tuple[int, int] = (0, 0)

    def points(self, points: np.ndarray) -> np.ndarray:
        """Bring points (..., 2) from input to original pixels."""
        return (points - np.float32(self.shift)) / np.float32(self.scale)

    def boxes(self, boxes: np.ndarray) -> np.ndarray:
        """Bring boxes (..., 4) xyxy from input to original pixels, cut at the border."""
        points = self.points(boxes.reshape(*boxes.shape[:-1], 2, 2))
        return np.clip(points, 0, np.float32(self.original[::-1])).reshape(boxes.shape)

    def maps(self, maps: np.ndarray, interpolation: str = 'bilinear') -> np.ndarray:
        """Bring maps (N, H, W) float32 from the input to the picture (N, H0, W0); the border is cut away first."""
        rows, columns = self.window()
        return resize_maps(maps[:, rows, columns], self.original, interpolation)

    def window(self) -> tuple[slice, slice]:
        """Return the rows and columns of the input that the picture takes; the rest is border."""
        (left, top), (height, width) = self.shift, self.original
        right = left + max(1, round(self.scale[0] * width))
        bottom = top + max(1, round(self.scale[1] * height))
        return slice(max(top, 0), bottom), slice(max(left, 0), right)


def place(
    picture: np.ndarray,
    size: tuple[int, int],
    letterbox: bool,
    interpolation: str,
    pad_value: float | list[float] = 0,
    backend: str = 'cv2',
) -> tuple[np.ndarray, Placement]:
    """Bring a picture to the size of the input, as :class:`mmvg.datasets.transforms.Letterbox` or ``Resize`` do.

    Args:
        picture: (H, W, 3) uint8.
        size: Width and height of the input.
        letterbox: Keep the sides in proportion, and put the picture in the middle of a canvas.
        interpolation: As the backend calls it (:data:`mmvg.pictures.RESIZERS`).
        pad_value: Colour of the canvas.
        backend: What resizes the picture, ``'cv2'`` or ``'pillow'``.

    Returns:
        The input (H', W', 3) uint8, and where the picture lies in it.

    Example:
        >>> canvas, placed = place(np.ones((480, 640, 3), np.uint8), (64, 64), True, 'bilinear')
        >>> canvas.shape, placed.shift, [round(scale, 3) for scale in placed.scale]
        ((64, 64, 3), (0, 8), [0.1, 0.1])
    """
    (height, width), (wide, high) = picture.shape[:2], size
    inner = (wide, high)
    if letterbox:
        scale = min(wide / width, high / height)
        inner = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (wide - inner[0]) // 2, (high - inner[1]) // 2
    if backend == 'pillow':
        resized = np.asarray(Image.fromarray(picture).resize(inner, getattr(Image.Resampling, interpolation.upper())))
    else:
        resized = cv2.resize(picture, inner, interpolation=_INTERPOLATIONS[interpolation])
    if inner != (wide, high):
        canvas = np.empty((high, wide, picture.shape[2]), dtype=picture.dtype)
        canvas[:] = np.round(pad_value)
        canvas[top : top + inner[1], left : left + inner[0]] = resized
        resized = canvas
    # rounded as homography_matrix, which is float32, is
    scale = tuple(float(np.float32(new / old)) for new, old in zip(inner, (width, height), strict=True))
    return resized, Placement((height, width), (high, wide), scale, (left, top))


def resize_maps(
    maps: np.ndarray, size: tuple[int, int], interpolation: str = 'bilinear', align_corners: bool = False
) -> np.ndarray:
    """Interpolate maps (N, h, w) float32 to ``size`` (H, W), as :func:`torch.nn.functional.interpolate` does.

    Args:
        maps: Any number of them.
        size: Height and width.
        interpolation: ``'bilinear'`` or ``'bicubic'``.
        align_corners: Whether the centres of the corner pixels stay where they are; for ``'bilinear'`` alone.

    Returns:
        (N, H, W) float32; the maps themselves where they have the size.

    Example:
        >>> resize_maps(np.array([[[0.0, 1.0]]], np.float32), (1, 3), align_corners=True)
        array([[[0. , 0.5, 1. ]]], dtype=float32)
    """
    if maps.shape[1:] == tuple(size):
        return maps
    if align_corners:
        return _between(_between(maps, 1, size[0]), 2, size[1])
    resized = np.empty((len(maps), *size), np.float32)
    for target, source in zip(resized, maps, strict=True):
        cv2.resize(source, size[::-1], dst=target, interpolation=_INTERPOLATIONS[interpolation])
    return resized


def _between(maps: np.ndarray, axis: int, count: int) -> np.ndarray:
    """Read ``count`` places along an axis, the first and the last of which are its ends."""
    old = maps.shape[axis]
    places = np.arange(count, dtype=np.float32) * np.float32((old - 1) / (count - 1) if count > 1 else 0)
    low = np.minimum(places.astype(np.int64), old - 1)
    share = (places - low).astype(np.float32).reshape([-1 if i == axis else 1 for i in range(maps.ndim)])
    lower, upper = maps.take(low, axis), maps.take(np.minimum(low + 1, old - 1), axis)
    return lower + share * (upper - lower)
