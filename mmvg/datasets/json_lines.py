"""One expression per line of JSON: the plain format for one's own pictures (docs/custom_data.md)."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from mmvg.checks import check_choice
from mmvg.datasets.coco_instances import CocoInstances
from mmvg.datasets.load_report import DataError, LoadReport
from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.datasets.refs import Ref, is_usable_text
from mmvg.datasets.targets import TargetReader
from mmvg.registry import DATASETS

KEYS = ('image', 'expression', 'boxes', 'masks', 'no_target', 'split', 'height', 'width', 'ref_id', 'sent_id')


@DATASETS.register_module()
class JSONLDataset(ReferringDataset):
    """Expressions in JSON lines, one object per line.

    ``image`` (path below the image folder) and ``expression`` are needed. ``boxes`` is a list of ``[x1, y1, x2, y2]``
    in pixels, ``masks`` a list as long, of COCO polygons ``[[x0, y0, x1, y1, ...], ...]`` or RLE; an expression
    without boxes means nothing in the image and says ``"no_target": true``. ``split``, ``height``, ``width``,
    ``ref_id`` and ``sent_id`` are optional: all lines belong to every split, sizes are read from the images, and the
    number of the line is the id. For the items see :class:`ReferringDataset`.

    Args:
        ann_file: The file, below ``data_root``.
        split: Lines with another ``split`` are left out; lines without one are not.
        data_root: Folder that the other paths are relative to.
        img_prefix: Image folder.
        name: Value of ``dataset`` in every item.
        with_mask: Whether lines have masks.
        clip_to: Boxes are clipped to ``'edge'``, [0, w] and [0, h], or to ``'last_pixel'``, [0, w - 1] and [0, h - 1].
        mode: ``'strict'`` or ``'tolerant'``, see :class:`ReferringDataset`.
        check_images: Whether to look for every image file while loading.
        pipeline: Transforms.
        test_mode: As in :class:`mmengine.dataset.BaseDataset`, like the rest.
        lazy_init: Whether to read the files later.
        serialize_data: Whether to keep the items as bytes that the workers share.
        indices: Use only the first so many items, or these.
        max_refetch: How many unusable training samples in a row are replaced by others.
    """

    def __init__(
        self,
        ann_file: str,
        split: str = 'train',
        data_root: str = 'data',
        img_prefix: str = 'images',
        name: str = 'custom',
        with_mask: bool = True,
        clip_to: str = 'edge',
        mode: str = 'strict',
        check_images: bool = False,
        pipeline: Sequence[dict | Callable] = (),
        test_mode: bool = False,
        lazy_init: bool = False,
        serialize_data: bool = True,
        indices: int | Sequence[int] | None = None,
        max_refetch: int = 100,
    ) -> None:
        self.lines_file = Path(data_root) / ann_file
        self.with_mask = with_mask
        self.clip_to = check_choice('clip_to', clip_to, ('edge', 'last_pixel'))
        super().__init__(
            name=name,
            data_root=data_root,
            img_prefix=img_prefix,
            split=split,
            sentence_mode='all',
            mode=mode,
            check_images=check_images,
            pipeline=pipeline,
            test_mode=test_mode,
            lazy_init=lazy_init,
            serialize_data=serialize_data,
            indices=indices,
            max_refetch=max_refetch,
        )

    def required_files(self) -> list[Path]:
        return [self.lines_file]

    def load_data_list(self) -> list[dict]:
        """Read the file; called by :meth:`full_init`."""
        coco = CocoInstances(self.lines_file, [], [], self.load_report)
        image_ids: dict[str, int] = {}
        refs, ids = [], set()
        for number, record in read_lines(self.lines_file, self.load_report):
            if record.get('split', self.split) != self.split:
                continue
            ref = read_line(number, record, self.image_folder, coco, image_ids, self.lines_file, self.load_report)
            if ref is None:
                continue
            key = (ref.image_id, ref.ref_id, ref.sentences[0]['sent_id'])
            if key in ids:
                self.load_report.fail('duplicate ids', self.lines_file, f'line {number}: ref_id, sent_id {key[1:]}')
            ids.add(key)
            refs.append(ref)
        if not refs:
            raise DataError(f'{self.lines_file}: no usable line of split {self.split!r}')
        targets = TargetReader(coco, self.load_report, 'keep', self.clip_to, self.with_mask)
        return self.make_items(refs, coco, targets, self.lines_file)


def read_lines(file: Path, report: LoadReport) -> Iterator[tuple[int, dict[str, Any]]]:
    """Numbers (from 1) and objects of the lines; blank lines are passed over.

    Raises:
        DataError: If a line is no JSON object.
    """
    with file.open(encoding='utf-8') as lines:
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


def read_line(
    number: int,
    record: dict[str, Any],
    image_folder: Path,
    coco: CocoInstances,
    image_ids: dict[str, int],
    file: Path,
    report: LoadReport,
) -> Ref | None:
    """Turn a line into a ref, and add its image and objects to ``coco``; None for a line to skip.

    Raises:
        DataError: If the line cannot be used.
    """
    where = f'line {number}'
    if unknown := sorted(set(record) - set(KEYS)):
        report.fail(f'unknown key {unknown[0]!r}', file, f'{where}; the keys are {", ".join(KEYS)}')
    if not isinstance(record.get('image'), str) or not record['image']:
        report.fail('line without an image', file, f'{where}: {record.get("image")!r}')
    boxes = record.get('boxes') or []
    masks = record.get('masks')
    no_target = record.get('no_target', False)
    if not isinstance(boxes, list) or not isinstance(no_target, bool):
        report.fail('boxes that are not a list, or no_target that is not true or false', file, where)
    if no_target == bool(boxes):
        report.fail('no_target that contradicts boxes', file, f'{where}: no_target {no_target}, {len(boxes)} boxes')
    if masks is not None and (not isinstance(masks, list) or len(masks) != len(boxes)):
        report.fail('masks that are not as many as boxes', file, where)
    image_id = _image(number, record, image_folder, coco, image_ids, file, report)
    if image_id is None or not is_usable_text(record.get('expression'), file, where, report):
        return None
    ann_ids = []
    for position, box in enumerate(boxes):
        if not isinstance(box, list) or len(box) != 4 or not all(isinstance(v, (int, float)) for v in box):
            report.fail('box that is not [x1, y1, x2, y2]', file, f'{where}: {box!r}')
        ann_ids.append(len(coco.annotations) + 1)
        coco.annotations[ann_ids[-1]] = dict(
            id=ann_ids[-1],
            image_id=image_id,
            bbox=[box[0], box[1], box[2] - box[0], box[3] - box[1]],
            segmentation=None if masks is None else masks[position],
            iscrowd=0,
        )
    ref_id, sent_id = record.get('ref_id', number), record.get('sent_id', number)
    for name, value in (('ref_id', ref_id), ('sent_id', sent_id)):
        if not isinstance(value, int):
            report.fail(f'{name} that is not a whole number', file, f'{where}: {value!r}')
    sentences = [dict(sent_id=sent_id, text=record['expression'])]
    return Ref(ref_id, image_id, tuple(ann_ids), record.get('split', ''), sentences, record)


def _image(
    number: int, record: dict, folder: Path, coco: CocoInstances, ids: dict[str, int], file: Path, report: LoadReport
) -> int | None:
    """Id of the image of a line; a new one gets its size from the line or from the file."""
    name = record['image']
    if name in ids:
        return ids[name]
    size = (record.get('width'), record.get('height'))
    if size == (None, None):
        try:
            with Image.open(folder / name) as image:
                size = image.size
        except FileNotFoundError:
            report.drop('missing image file', folder / name, f'line {number} of {file}')
            return None
        except (UnidentifiedImageError, OSError):
            report.drop('image that cannot be decoded', folder / name, f'line {number} of {file}')
            return None
    if not all(isinstance(side, int) and side > 0 for side in size):
        report.fail('width and height that are not pixels', file, f'line {number}: {size}')
    ids[name] = len(ids) + 1
    coco.images[ids[name]] = dict(id=ids[name], file_name=name, width=size[0], height=size[1])
    return ids[name]
