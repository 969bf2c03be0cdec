"""Measure how many samples per second one core takes through the data pipeline, and how long each step takes.

Then the same pipeline behind two workers of a DataLoader, for both ways in which workers can hand over tensors.

    python benchmarks/data_pipeline.py --width 160 --height 120 --size 160

Images are drawn JPEGs with filled shapes, each with three polygon targets; nothing is read but the temporary folder.
"""

import argparse
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform, Compose
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader, Dataset

from mmvg.datasets.tokenizers import WordTokenizer
from mmvg.datasets.transforms import (
    CleanText,
    Letterbox,
    LoadGroundingAnnotations,
    LoadImage,
    PackGroundingInputs,
    Resize,
    Tokenize,
)

WORDS = ['[PAD]', '[UNK]', '[BOS]', '[EOS]', 'the', 'red', 'ring', 'on', 'left']


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--width', type=int, default=160)
    parser.add_argument('--height', type=int, default=120)
    parser.add_argument('--size', type=int, default=160, help='side of the input')
    parser.add_argument('--targets', type=int, default=3)
    parser.add_argument('--images', type=int, default=50)
    parser.add_argument('--rounds', type=int, default=20, help='passes over the images; the fastest one counts')
    return parser.parse_args()


def draw_items(folder: Path, args: argparse.Namespace) -> list[dict]:
    """Draw data items with an image each: octagons on a smooth background."""
    rng = np.random.default_rng(0)
    items = []
    for index in range(args.images):
        coarse = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)
        image = cv2.resize(coarse, (args.width, args.height), interpolation=cv2.INTER_CUBIC)
        instances = []
        for ann_id in range(args.targets):
            centre = rng.uniform(0.25, 0.75, 2) * (args.width, args.height)
            angles = np.arange(8) * np.pi / 4
            corners = centre + np.stack([np.cos(angles), np.sin(angles)], 1) * 0.2 * args.height
            cv2.fillPoly(image, [corners.round().astype(np.int32)], rng.integers(0, 256, 3).tolist())
            box = [*corners.min(0).tolist(), *corners.max(0).tolist()]
            polygon = corners.flatten().tolist()
            instances.append({'bbox': box, 'mask': [polygon], 'bbox_label': 0, 'ignore_flag': 0, 'ann_id': ann_id})
        path = folder / f'{index}.jpg'
        cv2.imwrite(str(path), image)
        items.append(
            {
                'img_path': str(path),
                'img_id': index,
                'height': args.height,
                'width': args.width,
                'dataset': 'drawn',
                'ref_id': index,
                'sent_id': index,
                'text': 'The red ring on the left.',
                'instances': instances,
                'no_target': args.targets == 0,
            }
        )
    return items


def time_steps(steps: list[BaseTransform], items: list[dict], rounds: int) -> np.ndarray:
    """Return seconds per sample of every step, in the fastest of ``rounds`` passes."""
    best = np.full(len(steps), np.inf)
    for _ in range(rounds):
        spent = np.zeros(len(steps))
        for item in items:
            results = dict(item)
            for i, step in enumerate(steps):
                start = time.perf_counter()
                results = step(results)
                spent[i] += time.perf_counter() - start
        if spent.sum() < best.sum():
            best = spent
    return best / len(items)


class Piped(Dataset):
    """Data set that takes the items through the pipeline, over and over."""

    def __init__(self, items: list[dict], steps: list[BaseTransform], rounds: int) -> None:
        self.items = items * rounds
        self.pipeline = Compose(steps)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> dict:
        return self.pipeline(dict(self.items[index]))


def time_loader(dataset: Piped, strategy: str) -> float:
    """Return the samples per second that arrive from two workers, batches of 16, without the time to start them."""
    torch.multiprocessing.set_sharing_strategy(strategy)
    loader = DataLoader(dataset, batch_size=16, num_workers=2, collate_fn=pseudo_collate)
    batches = iter(loader)
    next(batches)
    start, arrived = time.perf_counter(), 0
    for batch in batches:
        arrived += len(batch['inputs'])
    return arrived / (time.perf_counter() - start)


def main() -> None:
    args = parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    with tempfile.TemporaryDirectory() as folder:
        vocab_file = Path(folder) / 'words.txt'
        vocab_file.write_text('\n'.join(WORDS) + '\n')
        items = draw_items(Path(folder), args)
        for resize in (Resize(scale=(args.size, args.size), keep_ratio=False), Letterbox(args.size)):
            steps = [
                LoadImage(),
                LoadGroundingAnnotations(),
                resize,
                CleanText('instancevg'),
                Tokenize(WordTokenizer(vocab_file), max_length=20),
                PackGroundingInputs(),
            ]
            seconds = time_steps(steps, items, args.rounds)
            print(f'{type(resize).__name__}: {1 / seconds.sum():.0f} samples/s on one core')
            for step, second in zip(steps, seconds, strict=True):
                print(f'  {type(step).__name__:26}{1e6 * second:8.0f} us')
        dataset = Piped(items, steps, args.rounds)
        for strategy in ('file_descriptor', 'file_system'):
            print(f'two workers, {strategy}: {time_loader(dataset, strategy):.0f} samples/s')


if __name__ == '__main__':
    main()
