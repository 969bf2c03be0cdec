"""ODVG, the lines on which Grounding DINO is trained: captions with grounded phrases, or detections."""

from typing import Any

from mmvg.datasets.readers import CocoInstances, DataError, Ref, RefBuilder, read_lines, record_shape
from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.foreign_files import shown
from mmvg.registry import DATASETS


@DATASETS.register_module()
class ODVGDataset(ReferringDataset):
    """A line of JSON per image: ``filename``, ``height``, ``width``, and ``grounding`` or ``detection``, or both.

    ``grounding`` is ``dict(caption, regions=[dict(bbox, phrase, tokens_positive)])`` with ``bbox`` ``[x1, y1, x2,
    y2]`` in pixels, or a list of such. Regions with one phrase are the targets of that phrase. Where a region has no
    ``phrase``, it is what ``tokens_positive`` cuts out of the caption. A caption without regions is left out: it is not
    said that it means nothing. ``detection`` is ``dict(instances=[dict(bbox, label, category)])``; "the <category>"
    means all of a category. There are no masks. For the items see :class:`ReferringDataset`; they have ``caption`` too,
    None for detections.

    Args:
        ann_file: The file of lines, below ``data_root``.
        split: Name of the split, which is the whole file.
        img_prefix: Image folder.
        phrase: Template of the expression of a category.
        name: Value of ``dataset`` in every item.
        common: Arguments of all datasets, see :class:`ReferringDataset`.

    Example:
        >>> import json, tempfile
        >>> from pathlib import Path
        >>> root = Path(tempfile.mkdtemp())
        >>> (root / 'images').mkdir()
        >>> _ = (root / 'images/a.png').write_bytes(b'')
        >>> regions = [dict(bbox=[10, 10, 30, 40], phrase='the red mug')]
        >>> grounding = dict(caption='the red mug here', regions=regions)
        >>> line = dict(filename='a.png', height=60, width=80, grounding=grounding)
        >>> _ = (root / 'lines.jsonl').write_text(json.dumps(line))
        >>> item = ODVGDataset('lines.jsonl', data_root=str(root))[0]
        >>> item['text'], item['instances'][0]['bbox'], item['caption']
        ('the red mug', [10.0, 10.0, 30.0, 40.0], 'the red mug here')
    """

    with_mask = False

    def __init__(
        self,
        ann_file: str,
        split: str = 'train',
        *,
        img_prefix: str = 'images',
        phrase: str = 'the {}',
        name: str = 'odvg',
        **common: Any,
    ) -> None:
        self.phrase = phrase
        super().__init__(name, split, dict(lines=ann_file), img_prefix, **common)

    def read_annotations(self) -> tuple[list[Ref], CocoInstances]:
        file, report = self.files['lines'], self.load_report
        builder = RefBuilder(file, self.image_folder, report, self.outside_images)
        for number, record in read_lines(file, report):
            where = f'line {number}'
            with record_shape(report, file, where):
                size = (record.get('width'), record.get('height'))
                picture = builder.picture(record.get('filename'), None if size == (None, None) else size, where)
                if not {'grounding', 'detection'} & set(record):
                    report.fail('line without grounding or detection', file, f'{where}: its keys are {sorted(record)}')
                if picture is None:
                    continue
                groups = [(text, boxes, record['grounding']) for text, boxes in self._regions(record, where).items()]
                groups += [(text, boxes, {}) for text, boxes in self._categories(record, where).items()]
                for text, boxes, grounding in groups:
                    ids = builder.targets(picture, boxes, f'{where}, {shown(text)}')
                    builder.ref(picture, ids, [text], where, self.split, record=dict(caption=grounding.get('caption')))
        if not builder.refs:
            raise DataError(f'{file}: no line has a phrase with a box')
        return builder.refs, builder.coco

    def item_fields(self, ref: Ref) -> dict:
        return dict(caption=ref.record['caption'])

    def _regions(self, record: dict, where: str) -> dict[str, list]:
        """Return phrase -> boxes of the grounding of a line."""
        file, report = self.files['lines'], self.load_report
        grounding = record.get('grounding') or {}
        if not grounding:
            return {}
        regions, caption = grounding.get('regions'), grounding.get('caption')
        if not isinstance(regions, list) or not isinstance(caption, str):
            report.fail('grounding without caption and regions', file, where)
        if not regions:
            report.note('caption without regions', file, where, 'left out, for it is not said that it means nothing')
        found: dict[str, list] = {}
        for region in regions:
            phrase = region.get('phrase') or _cut_out(caption, region.get('tokens_positive'))
            if isinstance(phrase, list) and all(isinstance(part, str) for part in phrase):
                phrase = ' '.join(phrase)
            if not isinstance(phrase, str):
                report.fail('region without a phrase', file, f'{where}: {shown(region)}')
            boxes = region.get('bbox')
            several = isinstance(boxes, list) and boxes and isinstance(boxes[0], list)
            found.setdefault(phrase, []).extend(boxes if several else [boxes])
        return found

    def _categories(self, record: dict, where: str) -> dict[str, list]:
        """Return expression -> boxes of the detections of a line."""
        found: dict[str, list] = {}
        for instance in (record.get('detection') or {}).get('instances') or ():
            category = instance.get('category')
            if not isinstance(category, str):
                self.load_report.fail('instance without a category', self.files['lines'], f'{where}: {shown(instance)}')
            found.setdefault(self.phrase.format(category), []).append(instance.get('bbox'))
        return found


def _cut_out(caption: str, spans: Any) -> str | None:
    """Return the words of ``caption`` that ``tokens_positive``, ``[[start, end], ...]`` in characters, name."""
    if not isinstance(spans, list) or not spans:
        return None
    try:
        return ' '.join(caption[int(start) : int(end)] for start, end in spans).strip() or None
    except (TypeError, ValueError):
        return None
