"""Checks of COCO segmentations before pycocotools sees them, which a NaN kills and a short RLE fills with garbage."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

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
    """What is wrong with one flat list ``[x0, y0, x1, y1, ...]``, or None."""
    if not isinstance(polygon, list):
        return f'is a {type(polygon).__name__}, not a list of numbers'
    try:
        values = np.array(polygon)
    except ValueError:  # lists of unequal length
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
    return None


def _touches_image(polygon: list[float], height: int, width: int) -> bool:
    """Whether the bounding box of the polygon meets the image, and it has at least three different points."""
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
        counts, runs = _read_runs(rle.get('counts'))
    except ValueError as error:
        return CheckedSegmentation(problems=[('damaged RLE', str(error))])
    size = rle.get('size')
    if not isinstance(size, list | tuple) or list(size) != [height, width]:
        what = f'RLE size {size} is not the image size [{height}, {width}]'
    elif sum(runs) != height * width:
        what = f'runs sum to {sum(runs)}, not to {height} * {width} = {height * width}'
    else:
        mask = dict(size=[height, width], counts=counts)
        return CheckedSegmentation(mask, covers_nothing=not any(runs[1::2]))
    return CheckedSegmentation(problems=[('damaged RLE', what)])


def _read_runs(counts: Any) -> tuple[list[int] | str, list[int]]:
    """``counts`` normalised to a list of ints or an ASCII str, and the runs that it spells out.

    Raises:
        ValueError: If there is a run that is no whole number >= 0, or the compressed text is damaged.
    """
    if isinstance(counts, list):
        if not all(isinstance(run, int) and not isinstance(run, bool) and run >= 0 for run in counts):
            raise ValueError('counts holds something that is not a whole number >= 0')
        return counts, counts
    if isinstance(counts, bytes):
        counts = counts.decode('latin1')
    if not isinstance(counts, str):
        raise ValueError(f'counts is a {type(counts).__name__}, not a list, str or bytes')
    return counts, decompress_runs(counts)


def decompress_runs(text: str) -> list[int]:
    """The run lengths of a compressed COCO RLE.

    Groups of five bits, lowest first, one character each (offset 48), bit 6 saying that more follow; from the fourth
    run on, the difference to the run two before is stored (``rleToString`` of the COCO API).

    Raises:
        ValueError: If a character is foreign, the text ends inside a number, or a run is negative.
    """
    runs: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64:
            raise ValueError(f'compressed counts hold the foreign character {character!r}')
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:  # sign
            value -= 1 << shift
        if len(runs) > 2:
            value += runs[-2]
        if value < 0:
            raise ValueError('compressed counts hold a negative run')
        runs.append(value)
        value = shift = 0
    if shift:
        raise ValueError('compressed counts end inside a number')
    return runs


def is_finite_number(value: Any) -> bool:
    """Whether ``value`` is an int or float, and neither NaN nor infinite."""
    return isinstance(value, int | float | np.number) and not isinstance(value, bool) and math.isfinite(value)
