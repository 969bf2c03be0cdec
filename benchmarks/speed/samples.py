"""Time one training sample: a JPEG of 640 x 480 with three polygons, resized to 320 x 320, tokenized and packed.

python benchmarks/speed/samples.py [--before CHECKOUT]
"""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from harness import Pieces, main
from mmcv.transforms import Compose

from mmvg.datasets.tokenizers import WordTokenizer
from mmvg.datasets.transforms import (
    CleanText,
    LoadGroundingAnnotations,
    LoadImage,
    PackGroundingInputs,
    Resize,
    Tokenize,
)

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from data_pipeline import WORDS, draw_items


def ours() -> Pieces:
    """Draw 30 pictures and build the pipeline."""
    folder = TemporaryDirectory()
    vocab_file = Path(folder.name) / 'words.txt'
    vocab_file.write_text('\n'.join(WORDS) + '\n')
    items = draw_items(Path(folder.name), argparse.Namespace(width=640, height=480, targets=3, images=30))
    steps = [
        LoadImage(),
        LoadGroundingAnnotations(),
        Resize(scale=(320, 320), keep_ratio=False),
        CleanText('instancevg'),
        Tokenize(WordTokenizer(vocab_file), max_length=20),
        PackGroundingInputs(),
    ]
    pieces = step_by_step(items, steps)
    pieces['training sample, 30 times'].folder = folder  # removed when the piece is
    return pieces


def step_by_step(items: list[dict], steps: list) -> Pieces:
    """Return pieces of the whole pipeline and of each step."""
    whole = Compose(steps)
    pieces = {'training sample, 30 times': lambda: [whole(dict(item)) for item in items]}
    states = [dict(item) for item in items]
    for step in steps:

        def one(step=step, states=states) -> list[dict]:
            return [step(dict(state)) for state in states]

        pieces[f'  {type(step).__name__}, 30 times'] = one
        states = one()
    return pieces


if __name__ == '__main__':
    main(__doc__, ours)
