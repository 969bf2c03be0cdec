"""Time the overlap of masks, and the scoring of answers by GRES and GREC.

    python benchmarks/speed/masks.py [--before CHECKOUT]

Masks of 640 x 480 pixels with one to three ellipses; run lengths are given as files hold them, so each is checked.
"""

from collections.abc import Callable

import cv2
import numpy as np
from harness import Pieces, main
from pycocotools import mask as coco_mask

from mmvg.evaluation.metrics import GRECMetric, GRESMetric
from mmvg.masks import encode_mask, intersection_and_union

HEIGHT, WIDTH = 480, 640


def draw_mask(rng: np.random.Generator) -> np.ndarray:
    """Draw a bool mask (H, W) of one to three ellipses."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for _ in range(rng.integers(1, 4)):
        centre = int(rng.integers(100, WIDTH - 100)), int(rng.integers(80, HEIGHT - 80))
        axes = int(rng.integers(20, 120)), int(rng.integers(20, 100))
        cv2.ellipse(mask, centre, axes, float(rng.integers(180)), 0, 360, 1, -1)
    return mask.astype(bool)


def as_in_files(mask: np.ndarray) -> dict:
    """Return the run lengths as a plain dict, which nobody has checked."""
    return dict(encode_mask(mask))


def draw_samples(count: int) -> list[dict]:
    """Draw answered samples, each tenth without a target; the answer is the target moved a little, or another one."""
    rng = np.random.default_rng(0)
    masks = [draw_mask(rng) for _ in range(60)]
    shifted = [np.roll(mask, (5, -7), (0, 1)) for mask in masks]
    rles, moved = [as_in_files(mask) for mask in masks], [as_in_files(mask) for mask in shifted]
    nothing = as_in_files(np.zeros((HEIGHT, WIDTH), bool))
    samples = []
    for number in range(count):
        place = int(rng.integers(len(masks)))
        empty = number % 10 == 0
        boxes = rng.uniform(0, 300, (int(rng.integers(1, 4)), 4)).astype(np.float32)
        boxes[:, 2:] += boxes[:, :2] + 20
        guesses = np.concatenate([boxes + 3, rng.uniform(0, 200, (10 - len(boxes), 4)).astype(np.float32)])
        guesses[:, 2:] = np.maximum(guesses[:, 2:], guesses[:, :2] + 5)
        scores = np.concatenate([np.full(len(boxes), 0.9), np.full(10 - len(boxes), 0.2)])
        samples.append(
            dict(
                dataset='drawn',
                img_id=number // 10,
                ref_id=number,
                sent_id=number,
                gt_frame='original',
                no_target=empty,
                pred_no_target=number % 7 == 0,
                gt_sem_seg=dict(sem_seg=dict(nothing if empty else rles[place])),
                pred_sem_seg=dict(sem_seg=dict(moved[place])),
                gt_instances=dict(bboxes=boxes[:0] if empty else boxes),
                pred_instances=dict(bboxes=guesses, scores=scores),
            )
        )
    return samples


def scored(samples: list[dict], *metrics: type) -> Callable[[], list[dict]]:
    """Return a piece that lets metrics score all samples."""

    def score() -> list[dict]:
        found = []
        for metric in (made() for made in metrics):
            for sample in samples:
                metric.process({}, [sample])
            found.append(metric.evaluate(size=len(samples)))
        return found

    return score


def ours() -> Pieces:
    """Prepare the masks and the samples."""
    rng = np.random.default_rng(0)
    gt = [draw_mask(rng) for _ in range(16)]
    pred = [np.roll(mask, (4, 6), (0, 1)) for mask in gt]
    gt_rles, pred_rles = ([as_in_files(mask) for mask in masks] for masks in (gt, pred))
    few, many = draw_samples(400), draw_samples(20_000)

    def count(preds: list, gts: list) -> Callable[[], list]:
        return lambda: [intersection_and_union(p, g) for p, g in zip(preds, gts, strict=True)]

    def pycocotools_alone() -> list:
        return [coco_mask.iou([p], [g], [0]) for p, g in zip(pred_rles, gt_rles, strict=True)]

    return {
        'mask IoU, 16 pairs, RLE': count(pred_rles, gt_rles),
        'mask IoU, 16 pairs, arrays': count(pred, gt),
        'mask IoU, 16 pairs, array against RLE': count(pred, gt_rles),
        'mask IoU, 16 pairs, pycocotools alone': pycocotools_alone,
        'GRES, 400 samples': scored(few, GRESMetric),
        'GREC, 400 samples': scored(few, GRECMetric),
        'GRES and GREC, 20,000 samples': scored(many, GRESMetric, GRECMetric),
    }


if __name__ == '__main__':
    main(__doc__, ours)
