"""One expression per line of JSON: the plain format for one's own pictures (docs/custom_data.md)."""

from pathlib import Path
from typing import Any

import numpy as np

from mmvg.checks import check_choice
from mmvg.datasets.readers import CocoInstances, DataError, LineReader, LoadReport, Ref, read_line_grasps, read_lines
from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.foreign_files import shown
from mmvg.registry import DATASETS


@DATASETS.register_module()
class JSONLDataset(ReferringDataset):
    """Expressions in JSON lines, one object per line.

    ``image`` (path below the image folder) and ``expression`` are needed. ``boxes`` is a list of ``[x1, y1, x2, y2]``
    in pixels, ``masks`` a list as long, of COCO polygons ``[[x0, y0, x1, y1, ...], ...]`` or RLE; an expression
    without boxes means nothing in the image and says ``"no_target": true``. ``grasps`` are those on what is meant,
    ``[[x, y, w, h, theta], ...]`` as :mod:`mmvg.structures.grasps` says; if a line has some, all items have ``grasps``
    (M, 5) float32, and a training sample with a target and no grasp is left out. ``split``, ``height``, ``width``,
    ``ref_id`` and ``sent_id`` are optional: all lines belong to every split, sizes are read from the images, and the
    number of the line is the id. Answers, as ``mmvg label`` writes them, are such lines too. For the items see
    :class:`ReferringDataset`.

    Args:
        ann_file: The file, below ``data_root``.
        split: Lines with another ``split`` are left out; lines without one are not.
        img_prefix: Image folder.
        name: Value of ``dataset`` in every item.
        with_mask: Whether lines have masks; by default those that say so. True makes one without masks an error, False
            reads none.
        clip_to: Boxes are clipped to ``'edge'``, [0, w] and [0, h], or to ``'last_pixel'``, [0, w - 1] and [0, h - 1].
        common: Arguments of all datasets, see :class:`ReferringDataset`.

    Example:
        >>> import json, os, tempfile
        >>> from PIL import Image
        >>> root = tempfile.mkdtemp()
        >>> os.mkdir(f'{root}/images')
        >>> Image.new('RGB', (80, 60)).save(f'{root}/images/a.jpg')
        >>> line = dict(image='a.jpg', expression='the red mug', boxes=[[10, 10, 30, 40]])
        >>> with open(f'{root}/mine.jsonl', 'w') as file:
        ...     print(json.dumps(line), file=file)
        >>> item = JSONLDataset('mine.jsonl', data_root=root)[0]
        >>> item['text'], item['instances'][0]['bbox'], (item['height'], item['width'])
        ('the red mug', [10.0, 10.0, 30.0, 40.0], (60, 80))
    """

    def __init__(
        self,
        ann_file: str,
        split: str = 'train',
        *,
        img_prefix: str = 'images',
        name: str = 'custom',
        with_mask: bool | None = None,
        clip_to: str = 'edge',
        **common: Any,
    ) -> None:
        self.with_mask = with_mask
        self.clip_to = check_choice('clip_to', clip_to, ('edge', 'last_pixel'))
        super().__init__(name, split, dict(lines=ann_file), img_prefix, **common)

    def read_annotations(self) -> tuple[list[Ref], CocoInstances]:
        file, report = self.files['lines'], self.load_report
        reader = LineReader(file, self.image_folder, report, self.outside_images)
        refs, ids = [], set()
        for number, record in read_lines(file, report):
            if (split := reader.split_of(number, record)) not in ('', self.split):
                report.note(f'line of split {shown(split)}', file, f'line {number}', f'not in {self.split!r}')
                continue
            if (ref := reader.read(number, record)) is None:
                continue
            key = (ref.image_id, ref.ref_id, ref.sentences[0]['sent_id'])
            if key in ids:
                report.fail('duplicate ids', file, f'line {number}: ref_id, sent_id {key[1:]}')
            ids.add(key)
            if 'grasps' in ref.record:
                grasps = read_line_grasps(ref.record['grasps'], bool(ref.ann_ids), file, f'line {number}', report)
                ref.record = dict(ref.record, grasps=grasps)
            refs.append(ref)
        if not refs:
            raise DataError(f'{file}: no usable line of split {self.split!r}; {"; ".join(report.lines())}')
        if any('grasps' in ref.record for ref in refs):
            refs = [ref for ref in refs if self.keep_without_grasps(ref)]
        return refs, reader.coco

    def keep_without_grasps(self, ref: Ref) -> bool:
        """Give ``ref`` an empty list where it has no grasps, and say whether it stays."""
        grasps = ref.record.setdefault('grasps', np.zeros((0, 5), np.float32))
        if len(grasps) or not ref.ann_ids:
            return True
        file, where = self.files['lines'], f'ref_id {ref.ref_id}'
        if self.load_report.evaluation:
            self.load_report.problem('expression without a grasp', file, where, 'it is scored where it can be')
        else:
            self.load_report.drop('expression without a grasp', file, where)
        return self.load_report.evaluation

    def item_fields(self, ref: Ref) -> dict:
        return {key: ref.record[key] for key in ('grasps',) if key in ref.record}


def splits_of_lines(file: Path) -> list[str]:
    """Return the splits that lines name, in their order; ``['train']`` if none does.

    Raises:
        DataError: If the file, or a line, cannot be read.
    """
    report = LoadReport('strict', evaluation=False)
    reader = LineReader(file, file.parent, report)
    named = dict.fromkeys(reader.split_of(number, record) for number, record in read_lines(file, report))
    return [split for split in named if split] or ['train']
