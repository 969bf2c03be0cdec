"""Lines of JSON, one expression each, as refs, images and annotations."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from mmvg.datasets.readers.coco_instances import CocoInstances
from mmvg.datasets.readers.load_report import DataError, LoadReport
from mmvg.datasets.readers.refs import Ref, is_usable_text

KEYS = ('image', 'expression', 'boxes', 'masks', 'no_target', 'split', 'height', 'width', 'ref_id', 'sent_id')


def read_lines(file: Path, report: LoadReport) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the numbers (from 1) and objects of the lines; blank lines and a byte-order mark are passed over.

    Raises:
        DataError: If a line is no JSON object.
    """
    with file.open(encoding='utf-8-sig') as lines:
        try:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                try:
                    record = json.loads(line)
                except json.JSONDecodeError as error:
                    report.fail('line that is not JSON', file, f'line {number}: {error}')
                if not isinstance(record, dict):
                    report.fail('line that is not an object', file, f'line {number}: {line.strip():.80}')
                yield number, record
        except UnicodeDecodeError as error:
            raise DataError(f'{file} is not text in UTF-8 ({error}): save it again as UTF-8.') from error


class LineReader:
    """Turns lines into refs, and collects their images and objects in ``coco``.

    Args:
        file: Where the lines come from, for messages.
        image_folder: Holds the images of lines without a size.
        report: Decides whether a problem raises or is repaired and counted.
    """

    def __init__(self, file: Path, image_folder: Path, report: LoadReport) -> None:
        self.file = file
        self.image_folder = image_folder
        self.report = report
        self.coco = CocoInstances(file, [], [], report, box_format='xyxy')
        self._image_ids: dict[str, int] = {}

    def read(self, number: int, record: dict[str, Any]) -> Ref | None:
        """Turn the line ``number`` into a ref; None for a line to skip.

        Raises:
            DataError: If the line cannot be used.
        """
        where = f'line {number}'
        self._check_keys(record, where)
        image_id = self._image_id(number, record)
        if image_id is None or not is_usable_text(record.get('expression'), self.file, where, self.report):
            return None
        ref_id, sent_id = record.get('ref_id', number), record.get('sent_id', number)
        boxes, masks = record.get('boxes') or [], record.get('masks')
        ann_ids = [
            self._add_object(image_id, box, None if masks is None else masks[position], where)
            for position, box in enumerate(boxes)
        ]
        for name, value in (('ref_id', ref_id), ('sent_id', sent_id)):
            if not isinstance(value, int):
                self.report.fail(f'{name} that is not a whole number', self.file, f'{where}: {value!r}')
        sentences = [dict(sent_id=sent_id, text=record['expression'])]
        return Ref(ref_id, image_id, tuple(ann_ids), record.get('split', ''), sentences, record)

    def _check_keys(self, record: dict[str, Any], where: str) -> None:
        file, report = self.file, self.report
        if unknown := sorted(set(record) - set(KEYS)):
            report.fail(f'unknown key {unknown[0]!r}', file, f'{where}; the keys are {", ".join(KEYS)}')
        if not isinstance(record.get('image'), str) or not record['image']:
            report.fail('line without an image', file, f'{where}: {record.get("image")!r}')
        boxes, masks, no_target = record.get('boxes') or [], record.get('masks'), record.get('no_target', False)
        if not isinstance(boxes, list) or not isinstance(no_target, bool):
            report.fail('boxes that are not a list, or no_target that is not true or false', file, where)
        if no_target == bool(boxes):
            report.fail('no_target that contradicts boxes', file, f'{where}: no_target {no_target}, {len(boxes)} boxes')
        if masks is not None and (not isinstance(masks, list) or len(masks) != len(boxes)):
            report.fail('masks that are not as many as boxes', file, where)

    def _add_object(self, image_id: int, box: Any, mask: Any, where: str) -> int:
        """Add an annotation to ``coco`` and return its id."""
        if not isinstance(box, list) or len(box) != 4 or not all(isinstance(v, (int, float)) for v in box):
            self.report.fail('box that is not [x1, y1, x2, y2]', self.file, f'{where}: {box!r}')
        ann_id = len(self.coco.annotations) + 1
        annotation = dict(id=ann_id, image_id=image_id, bbox=box, segmentation=mask, iscrowd=0)
        self.coco.annotations[ann_id] = annotation
        return ann_id

    def _image_id(self, number: int, record: dict[str, Any]) -> int | None:
        """Return the id of the image of a line; a new image gets its size from the line or from its file."""
        name, report = record['image'], self.report
        if name in self._image_ids:
            return self._image_ids[name]
        size = (record.get('width'), record.get('height'))
        if size == (None, None):
            try:
                with Image.open(self.image_folder / name) as image:
                    size = image.size
            except FileNotFoundError:
                report.drop('missing image file', self.image_folder / name, f'line {number} of {self.file}')
                return None
            except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
                report.drop('image that cannot be decoded', self.image_folder / name, f'line {number} of {self.file}')
                return None
        if not all(isinstance(side, int) and side > 0 for side in size):
            report.fail('width and height that are not pixels', self.file, f'line {number}: {size}')
        image_id = self._image_ids[name] = len(self._image_ids) + 1
        self.coco.images[image_id] = dict(id=image_id, file_name=name, width=size[0], height=size[1])
        return image_id
