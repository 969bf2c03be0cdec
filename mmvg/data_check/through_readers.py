"""Checks of any data set through its reader: what it complains about, and what its items mean."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mmvg.data_check.counts import Counts
from mmvg.data_check.findings import FindingReport, RecordError
from mmvg.data_check.images import check_images
from mmvg.data_check.objects import ObjectChecks
from mmvg.data_check.splits import check_leakage
from mmvg.data_check.texts import check_text
from mmvg.datasets import ReferringDataset
from mmvg.datasets.readers import DataError
from mmvg.foreign_files import shown


@dataclass(frozen=True)
class Source:
    """One split of a file, and the dataset that reads it.

    Args:
        file: The file of expressions, for findings.
        split: Name of the split.
        build: Makes the dataset, with ``lazy_init=True``: it must not read yet.
        box_format: As the file has boxes, see :class:`mmvg.datasets.readers.CocoInstances`.
        exact: See :class:`ObjectChecks`.
        label: What the table of counts calls the file; its name by default. Sources of one label, or of none, are one
            data set, whose splits must share no picture.
    """

    file: Path
    split: str
    build: Callable[[], ReferringDataset]
    box_format: str = 'xywh'
    exact: bool = True
    label: str = ''


def check_sources(
    sources: list[Source], report: FindingReport, decode: bool, progress: Callable[[str], None]
) -> dict[tuple[str, str], Counts]:
    """Read every source to the first defect that ends the reading, and check objects, sentences and images.

    Returns:
        (file, split) -> what it holds.
    """
    found: dict[tuple[str, str], Counts] = {}
    by_data_set: dict[str, dict[str, Counts]] = {}
    images: dict[str, dict] = {}
    packed: dict[str, Callable[[], bytes]] = {}
    for source in sources:
        progress(f'{source.file.name} {source.split}')
        read = _read(source, report)
        if read is None:
            continue
        dataset, items = read
        same_name = any(other.file.name == source.file.name and other.file != source.file for other in sources)
        label = source.label or (str(source.file) if same_name else source.file.name)
        found[label, source.split] = counts = _check_items(source, items, images, report)
        whole = by_data_set.setdefault(source.label, {}).setdefault(source.split, Counts())
        whole.images |= counts.images
        if dataset.is_packed:
            packed.update({os.path.normpath(item['img_path']): partial(dataset.packed_picture, item) for item in items})
    if found:
        signatures = check_images(images.values(), Path(), sources[0].file, report, decode, packed)
        names = {path: Path(path).name for path in images}
        for label, counts in by_data_set.items():
            files = {source.file: None for source in sources if source.label == label}
            first = next(iter(files))
            check_leakage(first if len(files) == 1 else first.parent, counts, names, signatures, report)
    return found


def _read(source: Source, report: FindingReport) -> tuple[ReferringDataset, list[dict]] | None:
    try:
        dataset = source.build()
        dataset.load_report = report
        report.opened.update(dataset.files.values())
        return dataset, dataset.load_data_list()
    except RecordError:
        return None
    except (DataError, OSError) as error:
        report.found(
            f'unreadable file: {str(error).removeprefix(str(source.file)).strip(" :")}', source.file, 'the file'
        )
        return None


def _check_items(source: Source, items: list[dict], images: dict[str, dict], report: FindingReport) -> Counts:
    counts = Counts()
    objects = ObjectChecks(source.file, report, source.box_format, source.exact)
    seen = set()
    for item in items:
        path, size = os.path.normpath(item['img_path']), (item['height'], item['width'])
        images.setdefault(path, dict(id=path, file_name=path, height=size[0], width=size[1]))
        for instance in item['instances']:
            key = (item['img_id'], shown(instance['ann_id']))
            if key not in seen:
                seen.add(key)
                x1, y1, x2, y2 = instance['bbox']
                box = [x1, y1, x2 - x1, y2 - y1] if source.box_format == 'xywh' else [x1, y1, x2, y2]
                objects.add(f'ref_id {item["ref_id"]}, ann_id {key[1]}', path, box, instance.get('mask'), size)
        for sentence in item['sentences']:
            where = f'ref_id {item["ref_id"]}, sent_id {sentence["sent_id"]}'
            check_text(sentence['text'], source.file, where, report)
        counts.refs += 1
        counts.sentences += len(item['sentences'])
        counts.no_target += len(item['sentences']) if item['no_target'] else 0
        counts.images.add(path)
    objects.finish()
    return counts
