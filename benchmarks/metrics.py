"""Measure the time of a mask score per sample: on arrays, on run lengths, and by decoding first.

    python benchmarks/metrics.py --samples 2000

Random ellipses of 640 x 480 pixels; every way must find the same pixels.
"""

import argparse
from time import perf_counter

import cv2
import numpy as np
from pycocotools import mask as coco_mask

from mmvg.masks import encode_mask, intersection_and_union


def draw_masks(rng: np.random.Generator, count: int, height: int = 480, width: int = 640) -> list[np.ndarray]:
    """Draw ``count`` bool masks (H, W) of three ellipses each."""
    masks = []
    for _ in range(count):
        mask = np.zeros((height, width), np.uint8)
        for _ in range(3):
            centre = int(rng.integers(width)), int(rng.integers(height))
            axes = int(rng.integers(20, 150)), int(rng.integers(20, 120))
            cv2.ellipse(mask, centre, axes, float(rng.integers(180)), 0, 360, 1, -1)
        masks.append(mask.astype(bool))
    return masks


def decode_and_count(pred: dict, gt: dict) -> tuple[int, int]:
    """Decode both masks, then compare pixels."""
    pred, gt = coco_mask.decode(pred).astype(bool), coco_mask.decode(gt).astype(bool)
    return int((pred & gt).sum()), int((pred | gt).sum())


def main() -> None:
    """Print microseconds per sample, and how much faster each way is than decoding."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--samples', type=int, default=2000)
    samples = parser.parse_args().samples
    rng = np.random.default_rng(0)
    preds, gts = draw_masks(rng, 50), draw_masks(rng, 50)
    encoded = [encode_mask(mask) for mask in preds], [encode_mask(mask) for mask in gts]
    ways = {
        'decode, then count': (decode_and_count, *encoded),
        'run lengths': (intersection_and_union, *encoded),
        'arrays as they are': (intersection_and_union, preds, gts),
        'array with run lengths': (intersection_and_union, preds, encoded[1]),
    }
    found, seconds = {}, {}
    for name, (count, lefts, rights) in ways.items():
        start = perf_counter()
        found[name] = [count(lefts[i % 50], rights[i * 7 % 50]) for i in range(samples)]
        seconds[name] = perf_counter() - start
        ratio = seconds['decode, then count'] / seconds[name]
        print(f'{name:24} {1e6 * seconds[name] / samples:8.0f} us per sample {ratio:8.1f} x')
    assert all(counts == found['decode, then count'] for counts in found.values()), 'the ways disagree'


if __name__ == '__main__':
    main()
