"""The JSON files that InstanceVG's own code reads: records with one target, with several, and lists of records."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmvg.datasets.readers.load_report import LoadReport
from mmvg.datasets.readers.refs import as_id, as_ids, is_usable_text
from mmvg.foreign_files import shown


@dataclass
class InstanceVGRecord:
    """One record, normalised.

    Attributes:
        image: ``id``, ``file_name``, ``height``, ``width``.
        sentences: Its expressions and their ``sent_id``, None if the file has none.
        targets: ``bbox`` [x, y, w, h], ``segmentation``, ``iscrowd`` and ``id`` (None if the file has none) each; empty
            if the expressions mean nothing.
        ref_id: As in the file, None if it has none.
        where: How messages call it.
    """

    image: dict
    sentences: list[tuple[str, int | None]]
    targets: list[dict] = field(default_factory=list)
    ref_id: int | None = None
    where: str = ''


def read_instancevg_entry(entry: Any, where: str, file: str | Path, report: LoadReport) -> list[InstanceVGRecord]:
    """Read the records of one entry of a split: one, or as many as the entry lists (``rrefcoco``).

    Raises:
        DataError: If an entry is no record, or its records are of several images.
    """
    entries = entry if isinstance(entry, list) else [entry]
    if not entries:
        report.fail('empty list of records', file, where)
    records = [_read_record(one, where, file, report) for one in entries]
    if len({record.image['id'] for record in records}) > 1:
        report.fail('list of records of different images', file, where)
    return records


def _read_record(record: Any, where: str, file: str | Path, report: LoadReport) -> InstanceVGRecord:
    if not isinstance(record, dict):
        report.fail('record that is not a dict', file, f'{where} is a {type(record).__name__}')
    for key in ('image_id', 'width', 'height', 'expressions'):
        if key not in record:
            report.fail(f'record without {key}', file, f'{where} has only {shown(list(record))}')
    image_id = as_id(record['image_id'], 'image_id', file, where, report)
    name = record.get('file_name', f'COCO_train2014_{image_id:012d}.jpg')
    image = dict(id=image_id, file_name=name, height=record['height'], width=record['width'])
    expressions = record['expressions']
    ids = expressions if isinstance(expressions, dict) else {}
    texts = ids.get('raw') if isinstance(expressions, dict) else expressions
    texts = texts if isinstance(texts, list) else [texts]
    if not texts:
        report.note('record without an expression', file, where, 'it gives no sample')
    sent_ids = as_ids(ids['sent_id'], 'sent_id', file, where, report) if 'sent_id' in ids else ()
    if len(sent_ids) != len(texts):  # one number for several expressions tells none of them
        sent_ids = (None,) * len(texts)
    several = 'annotations' in record
    return InstanceVGRecord(
        image=image,
        sentences=[
            (text, sent_id)
            for text, sent_id in zip(texts, sent_ids, strict=True)
            if is_usable_text(text, file, where, report)
        ],
        targets=list(_several(record['annotations'], where, file, report) if several else _single(record, where, file)),
        ref_id=as_id(ids['ref_id'], 'ref_id', file, where, report) if 'ref_id' in ids else None,
        where=where,
    )


def _single(record: dict, where: str, file: str | Path) -> Iterator[dict]:
    """Yield the target of a record of the single-target form; without box and mask, there is none."""
    if record.get('bbox') or record.get('mask'):
        yield dict(bbox=record.get('bbox'), segmentation=record.get('mask'), iscrowd=0, id=record.get('id'))


def _several(annotations: Any, where: str, file: str | Path, report: LoadReport) -> Iterator[dict]:
    """Yield the targets of a record of the multi-target form; a lone null annotation means that there is none.

    InstanceVG's loader stops at the first null and loses those after it; here, a null beside others is a problem.
    """
    if not isinstance(annotations, list) or not all(isinstance(annotation, dict) for annotation in annotations):
        report.fail('annotations that are not a list of dicts', file, where)
    for annotation in annotations:
        if annotation.get('bbox') is None and annotation.get('segmentation') is None:
            if len(annotations) > 1:
                report.problem('null annotation among others', file, where, 'it is left out')
            continue
        if annotation.get('empty'):
            report.fail('empty annotation with a box or a mask', file, where)
        if annotation.get('bbox_mode', 1) != 1:
            report.fail('bbox_mode that is not 1 (xywh)', file, f'{where}: {shown(annotation["bbox_mode"])}')
        yield dict(
            bbox=annotation.get('bbox'),
            segmentation=annotation.get('segmentation'),
            iscrowd=annotation.get('iscrowd', 0),
            id=annotation.get('id'),
        )
    if not annotations:
        report.fail('record without an annotation (a null one means no target)', file, where)
