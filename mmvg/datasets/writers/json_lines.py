"""From any dataset to JSON lines."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from mmvg.datasets.referring_dataset import ReferringDataset, with_sentences
from mmvg.datasets.writers.segmentations import mask_to_json
from mmvg.datasets.writers.written import image_name
from mmvg.whole_files import whole_file


def write_json_lines(
    dataset: ReferringDataset,
    file: Path,
    split: str,
    append: bool = False,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write every expression of a dataset as a line, which :class:`mmvg.datasets.JSONLDataset` reads.

    Args:
        dataset: With items in original pixels.
        file: Where to write. Image paths are relative to the image folder of the dataset.
        split: Written into each line.
        append: Add to the file, which an error on the way leaves with a part of the lines; otherwise it is replaced
            when all are written.
        progress: Called with the number of items so far.

    Returns:
        The number of lines.

    Example:
        >>> import tempfile
        >>> from mmvg.datasets import RefCOCODataset
        >>> file = Path(tempfile.mkdtemp()) / 'val.jsonl'
        >>> write_json_lines(RefCOCODataset('refcoco', 'val', data_root='data/refshapes'), file, 'val')
        62
        >>> sorted(json.loads(file.read_text().splitlines()[0]))[:4]
        ['boxes', 'expression', 'height', 'image']
    """
    written = 0
    with (
        nullcontext(file) if append else whole_file(file) as unfinished,
        unfinished.open('a' if append else 'w', encoding='utf-8') as lines,
    ):
        for index in range(len(dataset)):
            item = dataset.get_data_info(index)
            shared: dict[bool, dict[str, Any]] = {}  # of the sentences with a target, and of those without
            for sentence in item['sentences']:
                own = with_sentences(item, [sentence])
                if own['no_target'] not in shared:
                    shared[own['no_target']] = _record(own, image_name(item, dataset), split)
                line = dict(shared[own['no_target']], expression=sentence['text'], sent_id=sentence['sent_id'])
                lines.write(json.dumps(line) + '\n')
                written += 1
            if progress is not None:
                progress(index + 1)
    return written


def _record(item: dict[str, Any], image: str, split: str) -> dict[str, Any]:
    """Return what the lines of an item share."""
    record = dict(
        image=image,
        boxes=[list(instance['bbox']) for instance in item['instances']],
        no_target=item['no_target'],
        split=split,
        height=item['height'],
        width=item['width'],
        ref_id=item['ref_id'],
    )
    if all('mask' in instance for instance in item['instances']):
        record['masks'] = [mask_to_json(instance['mask']) for instance in item['instances']]
    if 'grasps' in item:
        record['grasps'] = np.asarray(item['grasps'], dtype=float).tolist()
    return record
