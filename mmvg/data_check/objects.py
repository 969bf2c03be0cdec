"""Do boxes, masks and areas mean the same object, in the format and unit that the file is read in?"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmvg.data_check.findings import FindingReport
from mmvg.datasets.readers import check_segmentation, is_finite_number
from mmvg.masks import mask_area, mask_box

#: Pixels, and share of the longer side of the mask, that a box may be off its mask: annotators' boxes are not exact.
_SLACK, _SHARE = 3.0, 0.1
#: A file is said to be in another format if so many boxes, and such a share, cannot be what they are read as.
_MANY, _MOST = 5, 0.2

Box = tuple[float, float, float, float]


@dataclass
class _Object:
    where: str
    box: list[float]
    around: Box | None
    size: tuple[int, int]


class ObjectChecks:
    """Collects the objects of a file, and finds those whose box, mask and area do not go together.

    Args:
        file: Where the objects come from.
        report: Where findings go.
        box_format: As in :class:`mmvg.datasets.readers.CocoInstances`.
        exact: Whether boxes were made from masks; where they were drawn by hand, a box off its mask is only a note.
    """

    def __init__(self, file: Path, report: FindingReport, box_format: str, exact: bool = True) -> None:
        self.exact = exact
        self.file = file
        self.report = report
        self.box_format = box_format
        self._images: dict[int | str, list[_Object]] = defaultdict(list)

    def add(
        self,
        where: str,
        image: int | str,
        box: Any,
        segmentation: Any,
        size: tuple[int, int],
        area: float | None = None,
    ) -> None:
        """Note one object; one whose box or mask is malformed has been reported by the reader.

        Args:
            where: How findings call it.
            image: Key of its image.
            box: As the file has it.
            segmentation: As the file has it, or None.
            size: Height and width of the image.
            area: Pixels of the object, if the file says so.
        """
        if not isinstance(box, list | tuple) or len(box) != 4 or not all(map(is_finite_number, box)):
            return
        around = None
        mask = None if segmentation is None else check_segmentation(segmentation, *size).mask
        if mask:
            around, covered = _around(mask, size)
            if area is not None and covered and abs(area - covered) > max(10.0, 0.25 * covered):
                what = f'{where}: area {area:g}, but the mask covers {covered:.0f}'
                self.report.found('area that is not the area of the mask', self.file, what, 'note')
        self._images[image].append(_Object(where, [float(side) for side in box], around, size))

    def finish(self) -> None:
        """Write down what is wrong, when all objects are there."""
        for objects in self._images.values():
            for one in objects:
                if one.around is not None and _near(self._read(one), one.around, one.size):
                    continue
                if max(map(abs, one.box)) <= 1 and any(0 < side < 1 for side in one.box) and max(one.size) > 8:
                    self.report.found('box in fractions of the image', self.file, f'{one.where}: {one.box}')
                elif one.around is not None:
                    self._off(one, objects)
        self._check_format()

    def _read(self, one: _Object) -> Box:
        return next(box for name, box in _readings(one) if name == _NAMES[self.box_format])

    def _off(self, one: _Object, objects: list[_Object]) -> None:
        """Say of a box that is off its mask what would fit: another reading of the box, or another mask."""
        hint = ''
        own = self._read(one)
        for other in objects:
            if other is not one and other.around is not None and _near(own, other.around, one.size):
                hint = f'; it is around the mask of {other.where}'
        for name, box in _readings(one):
            if not hint and _near(box, one.around, one.size):
                hint = f'; it is, read as {name}'
        if not hint and min(own[2] - own[0], own[3] - own[1]) <= 0:
            return  # a box without area, which the reader has reported
        around = [round(side, 1) for side in one.around]
        what = (
            f'{one.where}: box {one.box}, mask within x {around[0]} to {around[2]}, y {around[1]} to {around[3]}{hint}'
        )
        self.report.found('box that is not around its mask', self.file, what, 'error' if self.exact else 'note')

    def _check_format(self) -> None:
        """Compare what the boxes of the file are read as with other formats and units."""
        objects = [one for found in self._images.values() for one in found]
        fits: dict[str, int] = defaultdict(int)
        for one in objects:
            for name, box in _readings(one):
                fits[name] += _inside(box, one.size)
        expected = fits[_NAMES[self.box_format]]
        misfits = len(objects) - expected
        if misfits < _MANY or misfits < _MOST * len(objects):
            return
        best = max(fits, key=lambda name: fits[name])
        if fits[best] > 0.98 * len(objects):
            what = f'{misfits} of {len(objects)} do not lie in their image; read as {best}, {fits[best]} do'
            self.report.found('box format that is not the one of the file', self.file, what)


_NAMES = {'xywh': 'x, y, width, height', 'xyxy': 'x1, y1, x2, y2'}


def _readings(one: _Object) -> Iterator[tuple[str, Box]]:
    """Read a box in every usual format and unit; yields the name of the reading and corners in pixels."""
    height, width = one.size
    for unit, scale_x, scale_y in (
        ('', 1, 1),
        (' in fractions', width, height),
        (' in 1/1000', width / 1e3, height / 1e3),
    ):
        a, b, c, d = (side * scale for side, scale in zip(one.box, (scale_x, scale_y) * 2, strict=True))
        yield f'{_NAMES["xywh"]}{unit}', (a, b, a + c, b + d)
        yield f'{_NAMES["xyxy"]}{unit}', (a, b, c, d)
        yield f'centre x, centre y, width, height{unit}', (a - c / 2, b - d / 2, a + c / 2, b + d / 2)
        a, b, c, d = (side * scale for side, scale in zip(one.box, (scale_y, scale_x) * 2, strict=True))
        yield f'y1, x1, y2, x2{unit}', (b, a, d, c)


def _inside(box: Box, size: tuple[int, int]) -> bool:
    """Whether a box has an area of a pixel, and does not leave the image by more than the slack."""
    height, width = size
    x1, y1, x2, y2 = box
    return x2 - x1 >= 1 <= y2 - y1 and min(x1, y1) >= -_SLACK and x2 <= width + _SLACK and y2 <= height + _SLACK


def _near(box: Box, around: Box, size: tuple[int, int]) -> bool:
    height, width = size
    box = np.clip(box, 0, (width, height) * 2).tolist()
    allowed = max(_SLACK, _SHARE * max(around[2] - around[0], around[3] - around[1]))
    return max(abs(left - right) for left, right in zip(box, around, strict=True)) <= allowed


def _around(mask: list | dict, size: tuple[int, int]) -> tuple[Box | None, float]:
    """Return the box around a mask in the image, and the pixels that it covers."""
    if isinstance(mask, dict):
        covered = mask_area(mask)
        return (tuple(mask_box(mask)) if covered else None), covered
    height, width = size
    points = [np.asarray(polygon, dtype=np.float64).reshape(-1, 2) for polygon in mask]
    low = np.min([polygon.min(axis=0) for polygon in points], axis=0).clip(0, (width, height))
    high = np.max([polygon.max(axis=0) for polygon in points], axis=0).clip(0, (width, height))
    covered = sum(abs(np.dot(p[:, 0], np.roll(p[:, 1], 1)) - np.dot(p[:, 1], np.roll(p[:, 0], 1))) / 2 for p in points)
    return (*low.tolist(), *high.tolist()), float(covered)
