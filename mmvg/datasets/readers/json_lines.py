"""Lines of JSON, one expression each, as refs, images and annotations."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmvg.datasets.readers.answer_lines import line_of_answer
from mmvg.datasets.readers.coco_instances import CocoInstances, check_image_name
from mmvg.datasets.readers.load_report import LoadReport
from mmvg.datasets.readers.pictures import PictureError, open_picture
from mmvg.datasets.readers.refs import Ref, is_usable_text
from mmvg.datasets.readers.safe_reading import parse_json, read_data_file
from mmvg.foreign_files import shown
from mmvg.limits import size_problem
from mmvg.pictures import exif_orientation

KEYS = (
    *('image', 'expression', 'boxes', 'masks', 'no_target', 'grasps'),
    *('split', 'height', 'width', 'ref_id', 'sent_id'),
)


def read_lines(file: Path, report: LoadReport) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the numbers (from 1) and objects of the lines; blank lines and a byte-order mark are passed over.

    Raises:
        DataError: If a line is no JSON object.
    """
    for number, line in split_lines(file):
        yield number, parse_line(number, line, file, report)


def split_lines(file: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the numbers (from 1) and bytes of the lines that are not blank, without a byte-order mark.

    Raises:
        DataError: If the file is none, empty, too large, or recognised as something else.
    """
    content = read_data_file(file).removeprefix(b'\xef\xbb\xbf')
    lines = content.replace(b'\r\n', b'\n').replace(b'\r', b'\n').split(b'\n')
    return ((number, line) for number, line in enumerate(lines, start=1) if line.strip())


def parse_line(number: int, line: bytes, file: Path, report: LoadReport) -> dict[str, Any]:
    """Parse one line.

    Raises:
        DataError: If it is no JSON object.
    """
    where = f'line {number}'
    try:
        record = parse_json(line.decode(), unique_keys=True)
    except UnicodeDecodeError as error:
        report.fail('line that is not text in UTF-8', file, f'{where}: {error}; save the file again as UTF-8')
    except json.JSONDecodeError as error:
        report.fail('line that is not JSON', file, f'{where}: {error}')
    except ValueError as error:
        report.fail('line that cannot be used', file, f'{where} {error}')
    if not isinstance(record, dict):
        report.fail('line that is not an object', file, f'{where}: {shown(record)}')
    return record


class LineReader:
    """Turns lines into refs, and collects their images and objects in ``coco``.

    Args:
        file: Where the lines come from, for messages.
        image_folder: Holds the images of lines without a size.
        report: Decides whether a problem raises or is repaired and counted.
        outside_images: Whether the name of an image may lead out of the image folder.
    """

    def __init__(self, file: Path, image_folder: Path, report: LoadReport, outside_images: bool = False) -> None:
        self.file = file
        self.image_folder = image_folder
        self.report = report
        self.coco = CocoInstances(file, [], [], report, box_format='xyxy')
        self.coco.outside_images = outside_images
        self._image_ids: dict[str, int] = {}
        self._orientations: dict[str, int] = {}

    def read(self, number: int, record: dict[str, Any]) -> Ref | None:
        """Turn the line ``number`` into a ref; None for a line to skip.

        Raises:
            DataError: If the line cannot be used.
        """
        where = f'line {number}'
        if 'version' in record:
            record = self._line_of_answer(record, where)
        self._check_keys(record, where)
        image_id = self._image_id(number, record)
        if image_id is None or not is_usable_text(record.get('expression'), self.file, where, self.report):
            return None
        ref_id, sent_id = record.get('ref_id', number), record.get('sent_id', number)
        boxes, masks = record.get('boxes') or (), record.get('masks')
        ann_ids = [
            self._add_object(image_id, box, None if masks is None else masks[position], f'{where}, box {position}')
            for position, box in enumerate(boxes)
        ]
        for name, value in (('ref_id', ref_id), ('sent_id', sent_id)):
            if not isinstance(value, int) or isinstance(value, bool) or not -(2**63) <= value < 2**63:
                self.report.fail(f'{name} that is not a whole number', self.file, f'{where}: {shown(value)}')
        sentences = [dict(sent_id=sent_id, text=record['expression'])]
        return Ref(ref_id, image_id, tuple(ann_ids), self.split_of(number, record), sentences, record)

    def split_of(self, number: int, record: dict[str, Any]) -> str:
        """Return the split of a line, ``''`` if it has none.

        Raises:
            DataError: If it is no name.
        """
        split = record.get('split', '')
        if not isinstance(split, str):
            self.report.fail('split that is not a name', self.file, f'line {number}: {shown(split)}')
        return split

    def _line_of_answer(self, record: dict[str, Any], where: str) -> dict[str, Any]:
        """Turn an answer into the line that it would be as truth, see :func:`line_of_answer`."""
        name = self._check_name(record, where)  # before any file is opened
        try:
            if name not in self._orientations:
                self._orientations[name] = exif_orientation(self.image_folder / name)
            return line_of_answer(record, self._orientations[name])
        except (KeyError, TypeError, ValueError) as error:
            problem = f'{error} is missing' if isinstance(error, KeyError) else str(error)
            self.report.fail('answer that cannot be read', self.file, f'{where}: {problem:.200}')

    def _check_name(self, record: dict[str, Any], where: str) -> str:
        """Return the name of the image of a line, which leads to a place that it may lead to.

        Raises:
            DataError: If it is no name, or leads elsewhere.
        """
        name = record.get('image')
        if not isinstance(name, str) or not name:
            self.report.fail('line without an image', self.file, f'{where}: {shown(name)}')
        check_image_name(name, self.file, where, self.report, self.coco.outside_images)
        return name

    def _check_keys(self, record: dict[str, Any], where: str) -> None:
        file, report = self.file, self.report
        if unknown := sorted(set(record) - set(KEYS)):
            report.fail(f'unknown key {shown(unknown[0])}', file, f'{where}; the keys are {", ".join(KEYS)}')
        self._check_name(record, where)
        boxes, masks, no_target = record.get('boxes'), record.get('masks'), record.get('no_target', False)
        boxes = [] if boxes is None else boxes
        if not isinstance(boxes, list) or not isinstance(no_target, bool):
            report.fail('boxes that are not a list, or no_target that is not true or false', file, where)
        if no_target == bool(boxes):
            report.fail('no_target that contradicts boxes', file, f'{where}: no_target {no_target}, {len(boxes)} boxes')
        if masks is not None and (not isinstance(masks, list) or len(masks) != len(boxes)):
            report.fail('masks that are not as many as boxes', file, where)

    def _add_object(self, image_id: int, box: Any, mask: Any, where: str) -> int:
        """Add an annotation to ``coco`` and return its id."""
        if not isinstance(box, list) or len(box) != 4 or not all(isinstance(v, (int, float)) for v in box):
            self.report.fail('box that is not [x1, y1, x2, y2]', self.file, f'{where}: {shown(box)}')
        ann_id = len(self.coco.annotations) + 1
        annotation = dict(id=ann_id, image_id=image_id, bbox=box, segmentation=mask, iscrowd=0)
        self.coco.annotations[ann_id] = annotation
        self.coco.places[ann_id] = where
        return ann_id

    def _image_id(self, number: int, record: dict[str, Any]) -> int | None:
        """Return the id of the image of a line; a new image gets its size from the line or from its file."""
        name, where = record['image'], f'line {number}'
        size = (record.get('width'), record.get('height'))
        if size != (None, None):
            self._check_size(size, name, where)
        if name in self._image_ids:
            image = self.coco.images[self._image_ids[name]]
            known = (image['width'], image['height'])
            if size not in ((None, None), known):
                what = f'{where}: {shown(name)} is {size[0]} x {size[1]} here, and {known[0]} x {known[1]} before'
                self.report.problem('two sizes of one image', self.file, what, 'the first counts')
            return image['id']
        if size == (None, None):
            size = self._size_of_file(self.image_folder / name, where)
            if size is None:
                return None
            self._check_size(size, name, where)
        image_id = self._image_ids[name] = len(self._image_ids) + 1
        self.coco.images[image_id] = dict(id=image_id, file_name=name, width=size[0], height=size[1])
        return image_id

    def _check_size(self, size: tuple[Any, Any], name: str, where: str) -> None:
        if not all(isinstance(side, int) and not isinstance(side, bool) and side > 0 for side in size):
            self.report.fail(
                'width and height that are not pixels', self.file, f'{where}: {shown(name)} is {shown(size)}'
            )
        if (problem := size_problem(size[1], size[0])) is not None:
            self.report.fail('image of an impossible size', self.file, f'{where}: {shown(name)} has {problem}')

    def _size_of_file(self, path: Path, where: str) -> tuple[int, int] | None:
        try:
            with open_picture(path) as picture:
                return picture.size
        except FileNotFoundError:
            self.report.drop('missing image file', path, f'{where} of {self.file}')
        except PictureError as error:
            self.report.drop('image that cannot be decoded', path, f'{where} of {self.file}: {error}')
        return None
