"""Measure the time to decide whether predicted grasps match true ones, against filling both rectangles on the image.

    python benchmarks/grasp_matching.py --samples 40

Per sample, five predictions and thirty true grasps as OCID-VLG has them, in an image of 640 x 480 pixels; predictions
are true grasps moved and turned a little, so that decisions are close. Every way is asked for each pair. The exact ways
must decide as plain polygon intersection does, and CROG's protocol as filling on the whole image does.
"""

import argparse
from collections.abc import Callable
from time import process_time

import cv2
import numpy as np

from mmvg.evaluation.functional import crog_matches, pairs_match, strict_matches
from mmvg.structures import grasps_to_corners

HEIGHT, WIDTH = 480, 640
PREDICTIONS, TRUE = 5, 30


def draw_sample(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw predictions (5, 5) and true grasps (30, 5) of one object."""
    centre = rng.uniform((60, 60), (WIDTH - 60, HEIGHT - 60))
    axis = rng.uniform(-np.pi / 2, np.pi / 2)
    gt = np.stack(
        [
            *(centre[:, None] + rng.normal(0, 22, (2, TRUE))),
            rng.uniform(25, 95, TRUE),
            np.full(TRUE, 20.0),
            axis + rng.normal(0, 0.6, TRUE),
        ],
        axis=1,
    )
    pred = gt[rng.integers(TRUE, size=PREDICTIONS)] + rng.normal(0, 1, (PREDICTIONS, 5)) * (9, 9, 8, 0, 0.35)
    for grasps in (pred, gt):
        grasps[:, 4] = (grasps[:, 4] + np.pi / 2) % np.pi - np.pi / 2
    return pred, gt


def angles(pred: np.ndarray, gt: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.rad2deg(pred[4]), np.rad2deg(gt[4])


def fill_whole_image(corners: np.ndarray) -> np.ndarray:
    """Fill a rectangle on the whole canvas, bool (480, 640)."""
    canvas = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.fillPoly(canvas, [np.round(corners).astype(np.int32)], 1)
    return canvas.astype(bool)


def raster_strict(preds: np.ndarray, gts: np.ndarray) -> np.ndarray:
    """Match by filling both rectangles of every pair on a canvas of their own."""
    found = np.zeros((len(preds), len(gts)), bool)
    for i, pred in enumerate(preds):
        for j, gt in enumerate(gts):
            left, right = (fill_whole_image(grasps_to_corners(grasp)) for grasp in (pred, gt))
            union = np.count_nonzero(left | right)
            a, b = angles(pred, gt)
            turned = abs((a - b + 90) % 180 - 90) <= 30
            found[i, j] = turned and union > 0 and np.count_nonzero(left & right) / union > 0.25
    return found


def raster_crog(preds: np.ndarray, gts: np.ndarray) -> np.ndarray:
    """Match by CROG's protocol on canvases of the whole image, testing every pixel of it against the corners."""
    columns, rows = np.arange(480)[None], np.arange(480)[:, None]

    def fill(grasp: np.ndarray) -> np.ndarray:
        x, y, w, h, theta = grasp.tolist()
        corners = cv2.boxPoints(((x, y), (w, h), -np.rad2deg(theta))).astype(int)
        sides = [
            (b[0] - a[0]) * (rows - a[1]) - (b[1] - a[1]) * (columns - a[0])
            for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True)
        ]
        return np.logical_and.reduce([side >= 0 for side in sides]) | np.logical_and.reduce([s <= 0 for s in sides])

    found = np.zeros((len(preds), len(gts)), bool)
    for i, pred in enumerate(preds):
        for j, gt in enumerate(gts):
            a, b = angles(pred, gt)
            left, right = fill(pred), fill(gt)
            union = np.count_nonzero(left | right)
            near = min(abs(a - b), abs(a + b)) <= 30
            found[i, j] = near and union > 0 and np.count_nonzero(left & right) / union > 0.25
    return found


def polygon_strict(preds: np.ndarray, gts: np.ndarray) -> np.ndarray:
    """Match by exact polygons of every pair, one after the other, without any test before."""
    from shapely import Polygon

    found = np.zeros((len(preds), len(gts)), bool)
    for i, pred in enumerate(preds):
        for j, gt in enumerate(gts):
            left, right = (Polygon(grasps_to_corners(grasp)) for grasp in (pred, gt))
            common = left.intersection(right).area
            a, b = angles(pred, gt)
            turned = abs((a - b + 90) % 180 - 90) <= 30
            found[i, j] = turned and common / (left.area + right.area - common) > 0.25
    return found


def one_by_one(decide: Callable) -> Callable:
    """Decide sample by sample."""
    return lambda drawn: np.stack([decide(*sample) for sample in drawn])


def all_pairs(drawn: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Decide all samples in one call."""
    pred, gt = (np.stack(grasps) for grasps in zip(*drawn, strict=True))
    return pairs_match(pred[:, :, None], gt[:, None])


def whole_image_as_crog(preds: np.ndarray, gts: np.ndarray) -> np.ndarray:
    """Match on the canvas of CROG's evaluator: numbers of eight bytes that both rectangles are added to."""
    found = np.zeros((len(preds), len(gts)), bool)
    for i, pred in enumerate(preds):
        for j, gt in enumerate(gts):
            area = np.zeros((HEIGHT, WIDTH))
            for grasp in (pred, gt):
                area += fill_whole_image(grasps_to_corners(grasp))
            union = np.sum(area > 0)
            a, b = angles(pred, gt)
            turned = abs((a - b + 90) % 180 - 90) <= 30
            found[i, j] = turned and union > 0 and np.sum(area == 2) / union > 0.25
    return found


def main() -> None:
    """Print microseconds of processor time per pair, and how much faster each way is than filling the whole image."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--samples', type=int, default=40)
    parser.add_argument('--rounds', type=int, default=5, help='the fastest one counts')
    args = parser.parse_args()
    samples = args.samples
    cv2.setNumThreads(1)
    rng = np.random.default_rng(0)
    drawn = [draw_sample(rng) for _ in range(samples)]
    pairs = samples * PREDICTIONS * TRUE
    ways = {
        ('strict', 'whole image, as CROG does it'): one_by_one(whole_image_as_crog),
        ('strict', 'whole image, a byte per pixel'): one_by_one(raster_strict),
        ('strict', 'polygons, pair by pair'): one_by_one(polygon_strict),
        ('strict', 'mmvg, sample by sample'): one_by_one(strict_matches),
        ('strict', 'mmvg, all at once'): all_pairs,
        ('crog', 'whole image'): one_by_one(raster_crog),
        ('crog', 'mmvg, sample by sample'): one_by_one(crog_matches),
    }
    decisions, plain = {}, {}
    for (protocol, name), decide in ways.items():
        decide(drawn[:1])  # imports and caches
        seconds = np.inf
        for _ in range(args.rounds if 'mmvg' in name else 1):
            start = process_time()
            decisions[protocol, name] = decide(drawn)
            seconds = min(seconds, process_time() - start)
        micros = 1e6 * seconds / pairs
        plain.setdefault(protocol, []).append(micros)
        times = ', '.join(f'{before / micros:.1f} x' for before in plain[protocol][:2] if before != micros)
        share = 100 * decisions[protocol, name].mean()
        print(f'{protocol:7} {name:30} {micros:9.2f} us per pair, {share:.2f} % match   {times}')
    strict = decisions['strict', 'polygons, pair by pair']
    for name in ('mmvg, sample by sample', 'mmvg, all at once'):
        assert (decisions['strict', name] == strict).all(), f'{name}: not as exact polygons'
    assert (decisions['crog', 'mmvg, sample by sample'] == decisions['crog', 'whole image']).all(), 'not as CROG'
    differ = (strict != decisions['strict', 'whole image, a byte per pixel']).sum()
    print(f'decisions agree; pixels instead of polygons would change {differ} of {pairs} strict ones')


if __name__ == '__main__':
    main()
