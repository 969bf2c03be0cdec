"""Outline visible masks as COCO polygons and boxes."""

import cv2
import numpy as np

_MIN_AREA = 2.0  # image pixels; smaller splinters of an occluded object are left out


def to_polygons(labels: np.ndarray, number: int, oversample: int) -> list[list[float]]:
    """Outline the pixels of ``labels`` that equal ``number`` as COCO polygons.

    There is one polygon per connected piece. A hole is joined to its outline by a cut of no width, since COCO polygons
    have no holes; the even-odd rule of the COCO filler then leaves it open.

    Args:
        labels: (H * s, W * s) uint8.
        number: The label to outline.
        oversample: Fine pixels s per image pixel, along one side.

    Returns:
        Flat lists ``[x0, y0, x1, y1, ...]`` in image pixels with two decimals.

    Example:
        >>> labels = np.zeros((30, 30), np.uint8)
        >>> labels[6:24, 9:21] = 1
        >>> [polygon_box([polygon]) for polygon in to_polygons(labels, 1, oversample=3)]
        [[3.08, 2.08, 3.84, 5.84]]
    """
    own = (labels == number).view(np.uint8)
    x, y, width, height = cv2.boundingRect(own)
    if not width:
        return []
    window = own[y : y + height, x : x + width]
    # nearest-neighbour doubling with a border: contours then run a quarter of a fine pixel inside the true edge
    window = cv2.copyMakeBorder(window.repeat(2, 0).repeat(2, 1), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    contours, tree = cv2.findContours(window, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    scale = 2 * oversample
    polygons = []
    for index, contour in enumerate(contours):
        if tree[0][index][3] >= 0 or cv2.contourArea(contour) < _MIN_AREA * scale**2:
            continue
        holes = [c for c, node in zip(contours, tree[0], strict=True) if node[3] == index]
        holes = [c for c in holes if cv2.contourArea(c) >= _MIN_AREA * scale**2]
        line = _simplify(contour)
        for hole in holes:
            line = _cut(line, _simplify(hole))
        line = (line - 1 + 0.5) / scale + np.array([x, y]) / oversample
        polygons.append(np.round(line, 2).ravel().tolist())
    return polygons


def _simplify(contour: np.ndarray) -> np.ndarray:
    """Drop the points of a contour that its line does without."""
    return cv2.approxPolyDP(contour, 1.5, True)[:, 0].astype(float)


def _cut(outer: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Draw one closed line around ``outer``, over to ``hole`` at the nearest pair of points, around it and back."""
    distance = ((outer[:, None] - hole[None]) ** 2).sum(-1)
    i, j = np.unravel_index(distance.argmin(), distance.shape)
    around = np.concatenate([hole[j:], hole[: j + 1]])
    return np.concatenate([outer[: i + 1], around, outer[i:]])


def polygon_box(polygons: list[list[float]]) -> list[float]:
    """Compute the box ``[x, y, w, h]`` around polygons, as COCO writes it.

    Example:
        >>> polygon_box([[1, 2, 5, 2, 5, 4]])
        [1.0, 2.0, 4.0, 2.0]
    """
    points = np.concatenate([np.reshape(p, (-1, 2)) for p in polygons])
    (x1, y1), (x2, y2) = points.min(0), points.max(0)
    return [round(float(v), 2) for v in (x1, y1, x2 - x1, y2 - y1)]


def polygon_area(polygons: list[list[float]]) -> float:
    """Compute the area of polygons in square pixels; the cut around a hole runs the other way and is subtracted.

    Example:
        >>> polygon_area([[1, 2, 5, 2, 5, 4]])
        4.0
    """
    total = 0.0
    for polygon in polygons:
        x, y = np.reshape(polygon, (-1, 2)).T
        total += abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
    return round(total, 4)
