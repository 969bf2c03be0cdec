"""InstanceVG's own annotation files, an alternative to those of the benchmarks."""

from itertools import pairwise
from pathlib import Path
from typing import Any

from mmvg.checks import check_choice
from mmvg.datasets.readers import (
    CocoInstances,
    InstanceVGRecord,
    LoadReport,
    Ref,
    TargetReader,
    read_instancevg_entry,
    read_json,
)
from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.foreign_files import shown
from mmvg.registry import DATASETS


@DATASETS.register_module()
class InstanceVGJSONDataset(ReferringDataset):
    """The JSON files that InstanceVG (arXiv:2509.13747) reads in place of the benchmarks' own.

    A file holds ``{split: [records]}``. A record has one target (``bbox``, ``mask`` and a list of ``expressions``), or
    several or none (``annotations``, and ``expressions`` with ``raw``); in R-RefCOCO's file an entry is a list of
    records, of which one is drawn. All three are told apart by their keys. For the items see :class:`ReferringDataset`.
    ``ref_id`` and ``sent_id`` are the file's, or the position of the entry and a running number where it has none.

    Args:
        dataset: ``dataset`` of every item, for example ``'grefcoco'``.
        split: A key of the file, for example ``'val'``, ``'val_refcoco_unc'`` or ``'val_rrefcoco+'``.
        ann_file: The file; the releases name it differently.
        index_file: ``instance_index.json`` of R-RefCOCO: ``{split: [[start, end), ...]}``, the entries of each ref,
            whose number then is the ``ref_id``.
        img_prefix: Image folder. A record without ``file_name`` means ``COCO_train2014_<image_id>.jpg``.
        crowd: ``'drop'`` leaves ``iscrowd = 1`` out of the targets, ``'keep'`` does not.
        clip_to: Boxes are clipped to ``'last_pixel'``, [0, w - 1] and [0, h - 1], as InstanceVG does, or to ``'edge'``,
            [0, w] and [0, h].
        common: Arguments of all datasets, see :class:`ReferringDataset`.

    Example:
        >>> file = 'instancevg/grefs/instances.json'
        >>> dataset = InstanceVGJSONDataset('grefcoco', 'val', file, data_root='data/refshapes')
        >>> [(dataset[i]['text'], len(dataset[i]['instances'])) for i in (1, 2, 3)]
        [('the left disc', 1), ('small yellow disc.', 0), ('both yellow rings.', 2)]
    """

    def __init__(
        self,
        dataset: str,
        split: str,
        ann_file: str,
        *,
        index_file: str | None = None,
        img_prefix: str = 'images/train2014',
        crowd: str = 'keep',
        clip_to: str = 'last_pixel',
        **common: Any,
    ) -> None:
        self.crowd = check_choice('crowd', crowd, ('drop', 'keep'))
        self.clip_to = check_choice('clip_to', clip_to, ('edge', 'last_pixel'))
        files = dict(records=ann_file) | (dict(index=index_file) if index_file else {})
        super().__init__(dataset, split, files, img_prefix, **common)

    def target_reader(self, coco: CocoInstances) -> TargetReader:
        return _RecordTargets(coco, self.load_report, self.crowd, self.clip_to, self.with_mask)

    def read_annotations(self) -> tuple[list[Ref], CocoInstances]:
        file, report = self.files['records'], self.load_report
        content = read_json(file, dict)
        entries = content.get(self.split)
        if not isinstance(entries, list):
            report.fail(f'no list of split {self.split!r}', file, f'the splits in it: {shown(list(content))}')
        owners = _owners(self.files['index'], self.split, len(entries), report) if 'index' in self.files else None
        images: dict[int, dict] = {}
        annotations: list[dict] = []
        refs: list[Ref] = []
        for position, entry in enumerate(entries):
            records = read_instancevg_entry(entry, f'{self.split}[{position}]', file, report)
            image = records[0].image
            if images.setdefault(image['id'], image) != image:
                report.fail('two different images with one id', file, f'image_id {image["id"]} of {records[0].where}')
            ref = self._ref(records, position, annotations)
            if owners:
                ref.ref_id = owners[position]
            refs.append(ref)
        _number_sentences(refs, file, report)
        return refs, CocoInstances(file, list(images.values()), annotations, report)

    def _ref(self, records: list[InstanceVGRecord], position: int, annotations: list[dict]) -> Ref:
        """Join the records of an entry to a ref; its targets are added to ``annotations``."""
        file, report = self.files['records'], self.load_report
        found = [record.targets for record in records if record.targets]
        if any(targets != found[0] for targets in found):
            report.fail('list of records with different targets', file, records[0].where)
        ref_ids = {position if record.ref_id is None else record.ref_id for record in records}
        if len(ref_ids) > 1:
            report.fail('list of records with different ref_id', file, records[0].where)
        image_id = records[0].image['id']
        ann_ids = []
        for target in found[0] if found else ():
            ann_ids.append(len(annotations))
            own = dict(id=len(annotations), image_id=image_id, file_id=target['id'], where=records[0].where)
            annotations.append(target | own)
        return Ref(
            ref_id=ref_ids.pop(),
            image_id=image_id,
            ann_ids=tuple(ann_ids),
            split=self.split,
            sentences=[
                dict(sent_id=sent_id, text=text, exist=bool(record.targets))
                for record in records
                for text, sent_id in record.sentences
            ],
            record={},
        )


class _RecordTargets(TargetReader):
    """Reads targets that are numbered anew, since the same one stands in many records."""

    def where(self, annotation: dict, image_id: int) -> str:
        return f'{annotation["where"]} (image_id {image_id}, id {annotation["file_id"]})'

    def _read_instance(self, ann_id: int, annotation: dict, image_id: int) -> dict | None:
        instance = super()._read_instance(ann_id, annotation, image_id)
        if instance is not None and annotation['file_id'] is not None:
            instance['ann_id'] = annotation['file_id']
        return instance


def _number_sentences(refs: list[Ref], file: Path, report: LoadReport) -> None:
    """Give every sentence its ``sent_id``: the file's if each has one of its own, else a running number.

    Raises:
        DataError: If some records have a ``sent_id`` and others do not, or two sentences of a ref have the same.
    """
    sentences = [(ref, sentence) for ref in refs for sentence in ref.sentences]
    numbered = [sentence['sent_id'] is not None for _, sentence in sentences]
    if any(numbered) and not all(numbered):
        report.fail('sent_id in some records only', file, f'ref_id {sentences[numbered.index(False)][0].ref_id}')
    seen = set()
    for number, (ref, sentence) in enumerate(sentences):
        if not numbered[0]:
            sentence['sent_id'] = number
        key = (ref.ref_id, sentence['sent_id'])
        if key in seen:
            report.fail('two expressions with one ref_id and sent_id', file, f'ref_id {key[0]}, sent_id {key[1]}')
        seen.add(key)


def _owners(file: Path, split: str, length: int, report: LoadReport) -> list[int]:
    """Return the number of the ref that each of ``length`` entries belongs to.

    Raises:
        DataError: If the ranges of the index do not follow one another from 0 to ``length``.
    """
    content = read_json(file, dict)
    ranges = content.get(split)
    if not isinstance(ranges, list):
        report.fail(f'no list of split {split!r}', file, f'the splits in it: {shown(list(content))}')
    shapes = [isinstance(r, list) and len(r) == 2 and all(isinstance(end, int) for end in r) for r in ranges]
    if not ranges or not all(shapes):
        report.fail(
            'range that is not [start, end]', file, f'{split}: {shown(ranges[shapes.index(False)] if ranges else [])}'
        )
    joined = all(first[1] == second[0] for first, second in pairwise(ranges))
    if ranges[0][0] != 0 or ranges[-1][1] != length or not joined or any(start >= end for start, end in ranges):
        report.fail('ranges that do not cover the split', file, f'{split}: from 0 to {length}, one after the other')
    return [number for number, (start, end) in enumerate(ranges) for _ in range(start, end)]
