"""Drawing on RGB arrays (H, W, 3) uint8: panels, text that wraps, pictures side by side."""

import os.path as osp
from functools import lru_cache

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mmvg.masks import Mask, decode_mask
from mmvg.visualization.layers import Layers
from mmvg.visualization.palette import BLACK, DARK, LIGHT, WHITE, instance_color, readable_on

Color = tuple[int, int, int]


@lru_cache
def load_font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib."""
    import matplotlib

    name = 'DejaVuSans-Bold.ttf' if bold else 'DejaVuSans.ttf'
    return ImageFont.truetype(osp.join(matplotlib.get_data_path(), 'fonts', 'ttf', name), size)


def fit(image: np.ndarray, width: int, height: int) -> tuple[np.ndarray, float]:
    """Scale an image as large as ``width`` x ``height`` allows; returns it and its scale."""
    scale = min(width / image.shape[1], height / image.shape[0])
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC), scale


def draw_layers(image: np.ndarray, layers: Layers, scale: float, alpha: float, font_size: int) -> np.ndarray:
    """Draw masks, boxes, scores, points and grasps over an image that is already scaled.

    Args:
        image: The scaled image.
        layers: In pixels of the image before it was scaled.
        scale: What it was scaled by.
        alpha: Opacity of the masks.
        font_size: In pixels.
    """
    canvas = np.ascontiguousarray(image).copy()
    line = max(2, round(min(canvas.shape[:2]) / 200))
    masks = [] if layers.masks is None else list(layers.masks)
    if not masks and layers.union is not None:
        masks = [layers.union]
    for index, mask in enumerate(masks):
        _blend(canvas, _resize_mask(mask, canvas), instance_color(index), alpha, line)
    if layers.scores is not None and layers.masks is not None and layers.union is not None:
        _outline(canvas, _resize_mask(layers.union, canvas), WHITE, max(1, line // 2))
    if layers.points is not None:
        _draw_points(canvas, layers.points * scale, line)
    if layers.grasps is not None:
        _draw_grasps(canvas, layers.grasps * scale, layers.grasp_scores, line)
    boxes = np.round(layers.boxes * scale).astype(int)
    for index, (x1, y1, x2, y2) in enumerate(boxes.tolist()):
        cv2.rectangle(canvas, (x1, y1), (x2, y2), BLACK, line + 2, cv2.LINE_AA)
        cv2.rectangle(canvas, (x1, y1), (x2, y2), instance_color(index), line, cv2.LINE_AA)
    labels = [str(index + 1) for index in range(len(boxes))]
    if layers.scores is not None:
        labels = [f'{label}: {score:.2f}' for label, score in zip(labels, layers.scores, strict=True)]
    return _draw_labels(canvas, boxes, labels, font_size)


def draw_attention(image: np.ndarray, attention: np.ndarray, opacity: float = 0.65) -> np.ndarray:
    """Lay ``attention`` (H, W) in [0, 1] over a grey ``image`` that is already scaled, from dark blue to yellow."""
    size = (image.shape[1], image.shape[0])
    levels = (255 * cv2.resize(attention.astype(np.float32), size).clip(0, 1)).round().astype(np.uint8)
    heat = cv2.applyColorMap(levels, cv2.COLORMAP_CIVIDIS)[..., ::-1]
    grey = cv2.cvtColor(cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return cv2.addWeighted(np.ascontiguousarray(heat), opacity, grey, 1 - opacity, 0)


def draw_grasp_maps(image: np.ndarray, maps: np.ndarray) -> list[tuple[np.ndarray, str]]:
    """Draw quality, angle and opening over a grey ``image`` (h, w, 3) that is already scaled.

    The angle is drawn as strokes along the opening axis, where the quality is at least a tenth of its best; the lighter
    a stroke, the better. Openings are drawn in those places only.

    Args:
        image: The scaled image.
        maps: (4, H, W) quality in [0, 1], cos and sin of twice the angle, and opening.

    Returns:
        Three pictures of the size of ``image``, each with its title.
    """
    height, width = image.shape[:2]
    quality, cos, sin, opening = (cv2.resize(values.astype(np.float32), (width, height)) for values in maps)
    best = float(quality.max())
    good = (quality > 0) & (quality >= best / 10)
    widest = float(opening[good].max()) if good.any() else 0.0
    return [
        (draw_attention(image, quality), f'quality, best {best:.2f}'),
        (_draw_strokes(image, quality / max(best, 1e-6), good, np.arctan2(sin, cos) / 2), 'opening axis'),
        (draw_attention(image, good * opening / max(widest, 1e-6)), f'opening, widest {widest:.3g}'),
    ]


def _draw_strokes(image: np.ndarray, level: np.ndarray, shown: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """Draw a stroke at ``theta`` (h, w) in the middle of every cell of a grid where ``shown`` is true."""
    canvas = draw_attention(image, np.zeros_like(level), opacity=0.35)
    cell = max(8, min(canvas.shape[:2]) // 32)
    colors = cv2.applyColorMap((255 * level.clip(0, 1)).astype(np.uint8), cv2.COLORMAP_CIVIDIS)[..., ::-1]
    for y in range(cell // 2, canvas.shape[0], cell):
        for x in range(cell // 2, canvas.shape[1], cell):
            if not shown[y, x]:
                continue
            dx, dy = 0.45 * cell * np.cos(theta[y, x]), -0.45 * cell * np.sin(theta[y, x])
            ends = [(round(float(x + side * dx)), round(float(y + side * dy))) for side in (-1, 1)]
            cv2.line(canvas, *ends, colors[y, x].tolist(), 2, cv2.LINE_AA)
    return canvas


def text_bar(
    text: str,
    width: int,
    font_size: int,
    color: Color = BLACK,
    background: Color = WHITE,
    bold: bool = False,
    max_lines: int = 6,
    min_lines: int = 1,
) -> np.ndarray:
    """A bar (h, width, 3) with ``text`` wrapped to its width; h follows from the number of lines, or ``min_lines``."""
    font = load_font(font_size, bold)
    margin = max(4, font_size // 3)
    lines = wrap(text, font, width - 2 * margin, max_lines)
    step = round(font_size * 1.3)
    bar = Image.new('RGB', (width, step * max(len(lines), min_lines) + margin), background)
    pen = ImageDraw.Draw(bar)
    for row, line in enumerate(lines):
        pen.text((margin, margin // 2 + row * step), line, fill=color, font=font)
    return np.asarray(bar)


def wrap(text: str, font: ImageFont.FreeTypeFont, width: int, max_lines: int) -> list[str]:
    """Break ``text`` at spaces, and inside words that are wider than ``width`` pixels; the rest becomes an ellipsis."""
    lines = ['']
    for word in text.split():
        pieces = _pieces(word, font, width)
        for number, piece in enumerate(pieces):
            joined = f'{lines[-1]} {piece}' if lines[-1] and not number else piece
            if lines[-1] and (number or font.getlength(joined) > width):
                lines.append(piece)
            else:
                lines[-1] = joined
    if len(lines) > max_lines:
        last = lines[max_lines - 1]
        while last and font.getlength(last + '…') > width:
            last = last[:-1]
        lines = [*lines[: max_lines - 1], last + '…']
    return lines


def same_width(pictures: list[np.ndarray], least: int) -> list[np.ndarray]:
    """Pictures centred on light grey, all as wide as the widest and at least ``least`` pixels."""
    width = max(least, *(picture.shape[1] for picture in pictures))
    padded = []
    for picture in pictures:
        left = (width - picture.shape[1]) // 2
        right = width - picture.shape[1] - left
        padded.append(cv2.copyMakeBorder(picture, 0, 0, left, right, cv2.BORDER_CONSTANT, value=LIGHT))
    return padded


def same_height(bars: list[np.ndarray]) -> list[np.ndarray]:
    """Bars continued downwards in the colour of their last pixel, all as high as the highest."""
    height = max(bar.shape[0] for bar in bars)
    return [np.concatenate([bar, np.repeat(bar[-1:], height - bar.shape[0], axis=0)]) for bar in bars]


def beside(pictures: list[np.ndarray], gap: int) -> np.ndarray:
    """Pictures from left to right, aligned at the top, on white."""
    height = max(picture.shape[0] for picture in pictures)
    padded = [_pad(picture, height, picture.shape[1] + gap) for picture in pictures[:-1]]
    return np.concatenate([*padded, _pad(pictures[-1], height, pictures[-1].shape[1])], axis=1)


def below(pictures: list[np.ndarray]) -> np.ndarray:
    """Pictures from top to bottom, aligned at the left, on white."""
    width = max(picture.shape[1] for picture in pictures)
    return np.concatenate([_pad(picture, picture.shape[0], width) for picture in pictures])


def grid(pictures: list[np.ndarray], columns: int, gap: int) -> np.ndarray:
    """Pictures in rows of ``columns``, each as high as its highest picture, on white with a margin of ``gap``."""
    width = max(picture.shape[1] for picture in pictures)
    rows = []
    for start in range(0, len(pictures), columns):
        row = pictures[start : start + columns]
        height = max(picture.shape[0] for picture in row)
        row = [_pad(picture, height + gap, width + gap) for picture in row]
        rows.append(np.concatenate(row, axis=1))
    return cv2.copyMakeBorder(below(rows), gap, 0, gap, 0, cv2.BORDER_CONSTANT, value=WHITE)


def _pieces(word: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    pieces = ['']
    for letter in word:
        if pieces[-1] and font.getlength(pieces[-1] + letter) > width:
            pieces.append('')
        pieces[-1] += letter
    return pieces


def _pad(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    padded = np.full((height, width, 3), 255, dtype=np.uint8)
    padded[: picture.shape[0], : picture.shape[1]] = picture
    return padded


def _resize_mask(mask: Mask, canvas: np.ndarray) -> np.ndarray:
    size = (canvas.shape[1], canvas.shape[0])
    # the rounded-down pixels of INTER_NEAREST would lie up to half a pixel right and below of the picture
    return cv2.resize(decode_mask(mask).view(np.uint8), size, interpolation=cv2.INTER_NEAREST_EXACT)


def _blend(canvas: np.ndarray, mask: np.ndarray, color: Color, alpha: float, line: int) -> None:
    inside = mask.astype(bool)
    canvas[inside] = ((1 - alpha) * canvas[inside] + alpha * np.array(color)).astype(np.uint8)
    _outline(canvas, mask, color, line)


def _outline(canvas: np.ndarray, mask: np.ndarray, color: Color, line: int) -> None:
    contours, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(canvas, contours, -1, BLACK, line + 2, cv2.LINE_AA)
    cv2.drawContours(canvas, contours, -1, color, line, cv2.LINE_AA)


def _draw_points(canvas: np.ndarray, points: np.ndarray, line: int) -> None:
    size = 5 * line
    for x, y in np.round(points).astype(int).tolist():
        for color, width in ((BLACK, line + 1), (WHITE, max(1, line - 1))):
            cv2.drawMarker(canvas, (x, y), color, cv2.MARKER_TILTED_CROSS, size, width, cv2.LINE_AA)


def _draw_grasps(canvas: np.ndarray, grasps: np.ndarray, scores: np.ndarray | None, line: int) -> None:
    """Draw corners (M, 4, 2): the jaws as thick bars, and the opening between them as a thin line; the best on top."""
    order = range(len(grasps)) if scores is None else np.argsort(scores, kind='stable')
    for index in order:
        p1, p2, p3, p4 = grasps[index]
        jaws, opening = [(p1, p2), (p3, p4)], [((p1 + p2) / 2, (p3 + p4) / 2)]
        for extra, color in ((2, BLACK), (0, instance_color(int(index)))):
            for parts, width in ((opening, line), (jaws, 2 * line)):
                for start, end in parts:
                    start, end = (tuple(np.round(point).astype(int).tolist()) for point in (start, end))
                    cv2.line(canvas, start, end, color, width + extra, cv2.LINE_AA)


def _draw_labels(canvas: np.ndarray, boxes: np.ndarray, labels: list[str], font_size: int) -> np.ndarray:
    """Write one label at the top left corner of each box: above it, or inside where there is no room."""
    picture = Image.fromarray(canvas)
    pen = ImageDraw.Draw(picture)
    font = load_font(font_size, bold=True)
    height = round(font_size * 1.25)
    for index, (label, (x1, y1, _, _)) in enumerate(zip(labels, boxes.tolist(), strict=True)):
        width = round(font.getlength(label)) + font_size // 2
        left = min(max(x1, 0), max(0, picture.width - width))
        top = y1 - height if y1 >= height else max(y1, 0)
        color = instance_color(index)
        pen.rectangle((left, top, left + width, top + height), fill=color, outline=DARK)
        pen.text((left + font_size // 4, top), label, fill=readable_on(color), font=font)
    return np.asarray(picture)
