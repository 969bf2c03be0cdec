"""Measure what ``--expressions-per-image K`` saves: samples a second of loading and of training steps.

    python benchmarks/expressions_per_image.py configs/lavt/refshapes.py
    python benchmarks/expressions_per_image.py configs/lggd/ocid_vlg_multiple.py --batch-size 4

RefShapes of size tiny is drawn, the weights are random. CPU time of one thread; the orders take turns in one run, and
the median of steps counts.
"""

import argparse
import copy
from itertools import cycle
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time

import torch

from mmvg.apis import Modes, load_config, run_command
from mmvg.refshapes import generate


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='of a format in which RefShapes is written')
    parser.add_argument('--expressions', type=int, nargs='+', default=[1, 2, 4], metavar='K')
    parser.add_argument('--batch-size', type=int, default=16)
    parser.add_argument('--steps', type=int, default=5)
    parser.add_argument('--freeze', nargs='+', default=[], metavar='PART', help='as for mmvg train')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        generate(folder, 'tiny', workers=1)
        below = Path(folder, 'ocid_vlg' if 'lggd' in args.config else '')
        places = dict(data_root=str(below), vocab_file=f'{folder}/vocab.txt')
        known = load_config(args.config)
        cfg = load_config(args.config, {key: value for key, value in places.items() if key in known})
        if 'checkpoint' in cfg.model.backbone:
            cfg.model.backbone.checkpoint = None
        cfg.train_dataloader.update(batch_size=args.batch_size, num_workers=0, persistent_workers=False)
        Modes(freeze=args.freeze).apply(cfg)
        measure(cfg, args.expressions, args.steps)


def measure(cfg, expressions: list[int], steps: int) -> None:
    """Train with batches of each order in turns, and print what a sample took."""
    from mmvg.engine.runner import GroundingRunner
    from mmvg.registry import MODELS

    model = MODELS.build(cfg.model).train()
    batches = {}
    for most in expressions:
        ordered = copy.deepcopy(cfg)
        Modes(expressions_per_image=most).apply(ordered)
        batches[most] = cycle(GroundingRunner.build_dataloader(ordered.train_dataloader, seed=0))
    took: dict[int, list[tuple[float, float, int]]] = {most: [] for most in batches}
    for number in range(steps + 1):
        for most, loader in batches.items():
            found = step(model, loader)
            if number:  # the first one warms up
                took[most].append(found)
    size = cfg.train_dataloader.batch_size
    first = None
    for most, found in took.items():
        loading, training, images = (median(values) for values in zip(*found, strict=True))
        whole = loading + training
        first = first or whole
        print(
            f'K = {most}: {images:g} images in {size} samples; {1000 * loading / size:.1f} ms of loading and '
            f'{1000 * training / size:.1f} ms of training a sample, {first / whole:.2f} times as fast as the first'
        )


def step(model: torch.nn.Module, loader) -> tuple[float, float, int]:
    """Load a batch and train on it; returns the seconds of both, and how many images there were."""
    start = process_time()
    data = next(loader)
    loaded = process_time()
    data = model.data_preprocessor(data, training=True)
    losses = model(**data, mode='loss')
    sum(value for name, value in losses.items() if 'loss' in name).backward()
    model.zero_grad(set_to_none=True)
    return loaded - start, process_time() - loaded, len(data['inputs']['images'])


if __name__ == '__main__':
    run_command(main)
