"""Checks of JSON lines, the format of :class:`mmvg.datasets.JSONLDataset`."""

from collections import defaultdict
from pathlib import Path

from mmvg.data_check.counts import Counts
from mmvg.data_check.findings import FindingReport
from mmvg.data_check.images import check_images
from mmvg.data_check.objects import ObjectChecks
from mmvg.data_check.splits import EVALUATION, check_leakage, check_presence
from mmvg.data_check.texts import check_text
from mmvg.data_check.twins import Signature
from mmvg.datasets.readers import LineReader, TargetReader, parse_line, read_line_grasps, split_lines
from mmvg.foreign_files import shown
from mmvg.structures import grasps_to_corners

#: Names of splits that nobody wonders about; lines without one have the empty name.
USUAL = ('', 'train', *EVALUATION, 'minival', 'trainval', 'all')


def check_jsonl(
    file: Path, image_folder: Path, report: FindingReport, decode: bool = True, outside_images: bool = False
) -> tuple[dict[str, Counts], dict[str, Signature]]:
    """Check every line of a file.

    Args:
        file: The file.
        image_folder: Where its images are.
        report: Where findings go.
        decode: Decode every image; otherwise only headers are read.
        outside_images: Whether lines may name images out of the folder.

    Returns:
        Split ('' for lines without one) -> what it holds; and name of an image -> what tells its picture from others.
    """
    counts: dict[str, Counts] = defaultdict(Counts)
    lines = report.try_file(split_lines, file)
    if lines is None:
        return counts, {}
    reader = LineReader(file, image_folder, report, outside_images)
    coco = reader.coco
    targets = TargetReader(coco, report, crowd='keep', clip_to='edge', with_mask=True)
    objects = ObjectChecks(file, report, 'xyxy')
    seen = set()
    for number, line in lines:
        record = report.try_record(parse_line, number, line, file, report)
        ref = None if record is None else report.try_record(reader.read, number, record)
        if ref is None:
            continue
        image = report.try_record(coco.image, ref.image_id, ref.ref_id)
        targets.with_mask = record.get('masks') is not None
        if image is None:
            continue
        report.try_record(targets.targets, ref.ann_ids, ref.image_id, ref.ref_id)
        for annotation in map(coco.annotations.get, ref.ann_ids):
            size = (image['height'], image['width'])
            objects.add(
                coco.places[annotation['id']], ref.image_id, annotation['bbox'], annotation['segmentation'], size
            )
        if len({tuple(coco.annotations[ann_id]['bbox']) for ann_id in ref.ann_ids}) < len(ref.ann_ids):
            report.found('object named twice in a line', file, f'line {number}: {shown(record["boxes"])}')
        if 'grasps' in record:
            _check_grasps(record['grasps'], bool(ref.ann_ids), (image['width'], image['height']), number, file, report)
        check_text(ref.sentences[0]['text'], file, f'line {number}', report)
        key = (ref.image_id, ref.ref_id, ref.sentences[0]['sent_id'])
        if key in seen:
            report.found('duplicate ids', file, f'line {number}: ref_id {key[1]}, sent_id {key[2]}')
        seen.add(key)
        count = counts[ref.split]
        count.refs += 1
        count.sentences += 1
        count.no_target += not ref.ann_ids
        count.images.add(ref.image_id)
    objects.finish()
    signatures = check_images(coco.images.values(), image_folder, file, report, decode)
    names = {key: image['file_name'] for key, image in coco.images.items()}
    check_leakage(file, counts, names, signatures, report)
    for split in counts:
        if split not in USUAL and len(counts) > 1:
            where = f'{shown(split)}: {counts[split].refs} lines'
            report.found('split of another name', file, where, 'note')
    if set(counts) & set(EVALUATION) and '' not in counts:
        check_presence(file, counts, ['train'], report)
    by_name = {names[key]: signature for key, signature in signatures.items()}
    return counts, by_name


def _check_grasps(
    value: object, has_targets: bool, size: tuple[int, int], number: int, file: Path, report: FindingReport
) -> None:
    """Check the grasps of a line about an image of ``size`` (width, height)."""
    where = f'line {number}'
    grasps = report.try_record(read_line_grasps, value, has_targets, file, where, report)
    if grasps is None:
        return
    if has_targets and not len(grasps):
        report.found('expression without a grasp', file, where, 'note')
    corners = grasps_to_corners(grasps)
    outside = int(((corners.max(1) < 0) | (corners.min(1) > size)).any(1).sum())
    if outside:
        report.found('grasp outside of the image', file, f'{where}: {outside} of its grasps', 'note')
