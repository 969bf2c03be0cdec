"""Checks of OCID-VLG, record by record."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np

from mmvg.data_check.counts import Counts
from mmvg.data_check.findings import FindingReport
from mmvg.data_check.images import check_images
from mmvg.data_check.splits import check_leakage
from mmvg.datasets.ocid_vlg import SPLITS, VERSIONS, OCIDVLGDataset, check_record
from mmvg.datasets.readers import InstanceReader, read_json
from mmvg.masks import mask_area, mask_box
from mmvg.structures import grasps_to_corners

_NEAR = 3  # pixels that a box may be off the mask


def check_ocid_vlg(
    root: Path,
    report: FindingReport,
    decode: bool = True,
    progress: Callable[[str], None] = lambda _: None,
    versions: Collection[str] | None = None,
) -> dict[tuple[str, str], Counts]:
    """Check the files of OCID-VLG below ``root``, if there are any.

    Args:
        root: Folder that holds ``refer``.
        report: Where findings go.
        decode: Decode every picture; otherwise only headers are read.
        progress: Called with what is looked at next.
        versions: Those to look at; all by default.

    Returns:
        (file, split) -> what it holds.
    """
    found: dict[tuple[str, str], Counts] = {}
    images: dict[str, dict] = {}
    for version in VERSIONS:
        folder = root / 'refer' / version
        if not folder.is_dir() or (versions is not None and version not in versions):
            continue
        for split in SPLITS:
            progress(f'OCID-VLG {version} {split}')
            file = folder / f'{split}_expressions.json'
            content = report.try_file(read_json, file, dict)
            if content is not None:
                counts = _check_file(root, version, split, file, content.get('data'), images, report)
                found[f'{version}/{file.name}', split] = counts
    progress('OCID-VLG: images')
    signatures = check_images(images.values(), root, root / 'refer', report, decode)
    names = {key: key for key in images}
    for version in VERSIONS:
        counts = {split: count for (file, split), count in found.items() if file.startswith(f'{version}/')}
        check_leakage(root / 'refer' / version, counts, names, signatures, report)
    return found


def _check_file(
    root: Path, version: str, split: str, file: Path, records: object, images: dict[str, dict], report: FindingReport
) -> Counts:
    """Check one list of expressions, and collect its images."""
    counts = Counts()
    if not isinstance(records, list):
        report.found('no list "data"', file, 'the file')
        return counts
    dataset = OCIDVLGDataset(version, split, data_root=str(root), lazy_init=True)
    dataset.load_report = report
    keys: Counter = Counter()
    places: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, record in enumerate(records):
        place = report.try_record(check_record, index, record, file, report)
        if place is not None:
            places[place].append(index)
            keys[record['image_filename'], str(record.get('question_index'))] += 1
    for (name, number), times in keys.items():
        if times > 1 and number != 'None':
            report.found('duplicate question_index of an image', file, f'{name}: {times} x question_index {number}')
    reader = InstanceReader(report)
    for image_id, ((folder, name), indices) in enumerate(places.items()):
        for index in indices:
            item = report.try_record(dataset.read_record, index, records[index], (folder, name), image_id, reader)
            if item is None:
                continue
            counts.refs += 1
            counts.sentences += 1
            counts.images.add(f'{folder},{name}')
            size = dict(height=item['height'], width=item['width'])
            images.setdefault(f'{folder},{name}', dict(id=f'{folder},{name}', file_name=f'{folder}/rgb/{name}', **size))
            _check_places(item, file, f'record {index} ({folder},{name})', report)
    return counts


def _check_places(item: dict, file: Path, where: str, report: FindingReport) -> None:
    """Check that the box and the grasps are where the mask is."""
    (instance,) = item['instances']
    if mask_area(instance['mask']) and np.abs(np.subtract(instance['bbox'], mask_box(instance['mask']))).max() > _NEAR:
        report.found('box that is not around the mask', file, f'{where}: {instance["bbox"]}', 'note')
    corners = grasps_to_corners(item['grasps'])
    low, high = corners.min(1), corners.max(1)
    outside = ((high < 0) | (low > (item['width'], item['height']))).any(1).sum()
    if outside:
        report.found('grasp outside of the image', file, f'{where}: {outside} of its grasps', 'note')
