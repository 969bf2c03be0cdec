"""Checks of JSON lines, the format of :class:`mmvg.datasets.JSONLDataset`."""

import json
from collections import defaultdict
from pathlib import Path

from mmvg.data_check.coco_refs import EVALUATION
from mmvg.data_check.counts import Counts
from mmvg.data_check.findings import FindingReport
from mmvg.data_check.images import check_images
from mmvg.datasets.readers import LineReader, TargetReader


def check_jsonl(file: Path, image_folder: Path, report: FindingReport, decode: bool = True) -> dict[str, Counts]:
    """Check every line of a file.

    Args:
        file: The file.
        image_folder: Where its images are.
        report: Where findings go.
        decode: Decode every image; otherwise only headers are read.

    Returns:
        Split ('' for lines without one) -> what it holds.
    """
    text = report.try_file(lambda path: path.read_text(encoding='utf-8-sig', errors='replace'), file)
    counts: dict[str, Counts] = defaultdict(Counts)
    if text is None:
        return counts
    reader = LineReader(file, image_folder, report)
    coco = reader.coco
    targets = TargetReader(coco, report, crowd='keep', clip_to='edge', with_mask=True)
    seen = set()
    for number, line in enumerate(text.split('\n'), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            report.found('line that is not JSON', file, f'line {number}: {error}')
            continue
        if not isinstance(record, dict):
            report.found('line that is not an object', file, f'line {number}: {line.strip():.80}')
            continue
        ref = report.try_record(reader.read, number, record)
        if ref is None:
            continue
        targets.with_mask = record.get('masks') is not None
        report.try_record(targets.targets, ref.ann_ids, ref.image_id, ref.ref_id)
        key = (ref.image_id, ref.ref_id, ref.sentences[0]['sent_id'])
        if key in seen:
            report.found('duplicate ids', file, f'line {number}: ref_id {key[1]}, sent_id {key[2]}')
        seen.add(key)
        count = counts[ref.split]
        count.refs += 1
        count.sentences += 1
        count.no_target += not ref.ann_ids
        count.images.add(ref.image_id)
    check_images(coco.images.values(), image_folder, file, report, decode)
    for split in EVALUATION:
        shared = counts['train'].images & counts[split].images if {'train', split} <= set(counts) else set()
        if shared:
            names = sorted(coco.images[image_id]['file_name'] for image_id in shared)
            report.found('image shared by splits', file, f'train and {split}: {len(shared)} images, such as {names[0]}')
    return counts
