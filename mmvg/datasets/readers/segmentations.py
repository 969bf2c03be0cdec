"""Checks of COCO segmentations before pycocotools sees them, which a NaN kills and a short RLE fills with garbage."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mmvg.foreign_files import shown
from mmvg.masks import outline_problem
from mmvg.run_lengths import rle_runs

#: Coordinates beyond this multiple of the longer image side are damage: rasterising takes time and memory with them.
MAX_COORDINATE = 4


@dataclass
class CheckedSegmentation:
    """What is usable of one ``segmentation`` field.

    Attributes:
        mask: Polygons ``[[x0, y0, x1, y1, ...], ...]`` in pixels, an RLE ``{'size': [h, w], 'counts': list or str}``,
            or None if nothing is usable.
        problems: ``(kind, what exactly)`` of everything that was found wrong.
        covers_nothing: Cheap sign that no pixel of the image belongs to the mask.
    """

    mask: list[list[float]] | dict | None = None
    problems: list[tuple[str, str]] = field(default_factory=list)
    covers_nothing: bool = False


def check_segmentation(segmentation: Any, height: int, width: int) -> CheckedSegmentation:
    """Check the ``segmentation`` of an object in an image of ``height`` x ``width`` pixels."""
    if isinstance(segmentation, dict):
        return _check_rle(segmentation, height, width)
    if isinstance(segmentation, list):
        return _check_polygons(segmentation, height, width)
    what = 'missing' if segmentation is None else f'a {type(segmentation).__name__}, not polygons or an RLE'
    return CheckedSegmentation(problems=[('empty segmentation', f'segmentation is {what}')])


def _check_polygons(polygons: list, height: int, width: int) -> CheckedSegmentation:
    checked = CheckedSegmentation()
    good = []
    for position, polygon in enumerate(polygons):
        problem = _polygon_problem(polygon, height, width)
        if problem is None:
            good.append(list(map(float, polygon)))
        else:
            checked.problems.append(('damaged polygon', f'polygon {position} {problem}'))
    if good:
        checked.mask = good
        checked.covers_nothing = not any(_touches_image(polygon, height, width) for polygon in good)
    else:
        checked.problems.append(('empty segmentation', 'no usable polygon'))
    return checked


def _polygon_problem(polygon: Any, height: int, width: int) -> str | None:
    """Say what is wrong with one flat list ``[x0, y0, x1, y1, ...]``, or None."""
    if not isinstance(polygon, list):
        return f'is a {type(polygon).__name__}, not a list of numbers'
    try:
        values = np.array(polygon)
    except (ValueError, OverflowError):  # lists of unequal length, or whole numbers beyond 64 bits beside others
        return 'is not a flat list of numbers'
    if values.size and (values.ndim != 1 or values.dtype.kind not in 'iuf'):
        return 'is not a flat list of numbers'
    if len(polygon) < 6:
        return f'has {len(polygon)} numbers, fewer than 6'
    if len(polygon) % 2:
        return f'has an odd number of coordinates, {len(polygon)}'
    if not np.isfinite(values).all():
        return 'has a NaN or infinite coordinate'
    if np.abs(values).max() > MAX_COORDINATE * max(height, width):
        return f'has the coordinate {np.abs(values).max():g} in an image of {width}x{height}'
    return outline_problem(values)


def _touches_image(polygon: list[float], height: int, width: int) -> bool:
    """Say whether the bounding box of the polygon meets the image, and it has at least three different points."""
    x, y = polygon[0::2], polygon[1::2]
    if min(x) >= width or max(x) <= 0 or min(y) >= height or max(y) <= 0:
        return False
    points = set()
    for point in zip(x, y, strict=True):
        points.add(point)
        if len(points) > 2:
            return True
    return False


def _check_rle(rle: dict, height: int, width: int) -> CheckedSegmentation:
    try:
        runs = rle_runs(rle)
    except ValueError as error:
        return CheckedSegmentation(problems=[('damaged RLE', str(error))])
    if list(rle['size']) != [height, width]:
        what = f'RLE size {shown(rle["size"])} is not the image size [{height}, {width}]'
        return CheckedSegmentation(problems=[('damaged RLE', what)])
    counts = rle['counts'].decode() if isinstance(rle['counts'], bytes) else rle['counts']
    return CheckedSegmentation(dict(size=[height, width], counts=counts), covers_nothing=not runs[1::2].any())


def is_finite_number(value: Any) -> bool:
    """Say whether ``value`` is an int or float, and neither NaN nor infinite."""
    if not isinstance(value, int | float | np.number) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number of hundreds of digits
        return False
