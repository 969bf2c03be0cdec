"""From any dataset to ODVG, the lines of Grounding DINO."""

import json
from pathlib import Path

from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.datasets.writers.written import Written, expressions_of
from mmvg.whole_files import whole_file

ODVG_CANNOT = frozenset({'polygons', 'pixels', 'apart', 'no_target', 'refs', 'ids', 'splits', 'grasps'})


def write_odvg(dataset: ReferringDataset, file: Path, split: str) -> Written:
    """Write a line per expression, whose whole text is the phrase of its regions.

    Args:
        dataset: With items in original pixels.
        file: Where to write.
        split: Not held by the format.

    Example:
        >>> import tempfile
        >>> from mmvg.datasets import RefCOCODataset
        >>> file = Path(tempfile.mkdtemp()) / 'val.jsonl'
        >>> dataset = RefCOCODataset('refcoco', 'val', data_root='data/refshapes')
        >>> write_odvg(dataset, file, 'val').lines()[0]
        'not held by the format: masks as polygons, of 62 expressions'
        >>> sorted(json.loads(file.read_text().splitlines()[0]))
        ['filename', 'grounding', 'height', 'width']
    """
    written = Written()
    with whole_file(file) as unfinished, unfinished.open('w', encoding='utf-8') as lines:
        for name, item, sentence in expressions_of(dataset, written, ODVG_CANNOT):
            text = sentence['text']
            phrase = dict(phrase=text, tokens_positive=[[0, len(text)]])
            regions = [dict(phrase, bbox=list(instance['bbox'])) for instance in item['instances']]
            line = dict(filename=name, height=item['height'], width=item['width'])
            lines.write(json.dumps(dict(line, grounding=dict(caption=text, regions=regions))) + '\n')
    return written
