from math import isnan

import numpy as np
import pytest

from mmvg.evaluation.functional import gres_score, gres_scores


@pytest.mark.parametrize(
    ('intersection', 'union', 'pred_no_target', 'gt_no_target', 'iou', 'adds_i', 'adds_u'),
    [
        (0, 7, True, True, 1, 0, 0),  # the mask is ignored, even if it has pixels
        (0, 7, False, True, 0, 0, 7),
        (0, 0, False, True, 0, 0, 0),  # wrong even if the mask is empty
        (6, 8, True, False, 0, 0, 8),  # the union of the mask as given
        (6, 8, False, False, 0.75, 6, 8),
        (0, 0, False, False, 0, 0, 0),
    ],
)
def test_every_row_of_the_table(intersection, union, pred_no_target, gt_no_target, iou, adds_i, adds_u):
    assert gres_score(intersection, union, pred_no_target, gt_no_target)[:3] == (iou, adds_i, adds_u)


def test_the_rows_together_by_hand():
    rows = [(0, 7, True, True), (0, 7, False, True), (6, 8, True, False), (6, 8, False, False), (9, 10, False, False)]
    assert gres_scores([gres_score(*row) for row in rows]) == {
        'gIoU': pytest.approx(100 * (1 + 0 + 0 + 0.75 + 0.9) / 5),
        'cIoU': pytest.approx(100 * 15 / (7 + 8 + 8 + 10)),
        'N-acc': 50,
        'T-acc': pytest.approx(200 / 3),
        'P@0.7': pytest.approx(200 / 3),  # of the three with a target
        'P@0.8': pytest.approx(100 / 3),
        'P@0.9': pytest.approx(100 / 3),
    }


def test_only_expressions_without_a_target():
    scores = gres_scores([gres_score(0, 3, True, True), gres_score(0, 0, True, True)])
    assert scores['gIoU'] == scores['N-acc'] == 100
    assert all(isnan(scores[name]) for name in ('cIoU', 'T-acc', 'P@0.7', 'P@0.8', 'P@0.9'))


def test_only_expressions_with_a_target():
    scores = gres_scores([gres_score(1, 2, False, False), gres_score(1, 2, True, False)])
    assert scores['N-acc'] == 0
    assert scores['T-acc'] == 50


def slow_gres(samples):
    """Pixel by pixel and case by case, as the table says it."""
    ious, hits = [], []
    total_i = total_u = rejected = empty = accepted = full = 0
    for pred, gt, says_nothing, means_nothing in samples:
        both = sum(1 for p, g in zip(pred.flat, gt.flat, strict=True) if p and g)
        either = sum(1 for p, g in zip(pred.flat, gt.flat, strict=True) if p or g)
        if means_nothing:
            empty += 1
            rejected += says_nothing
            ious.append(1 if says_nothing else 0)
            total_u += 0 if says_nothing else sum(1 for p in pred.flat if p)
            continue
        full += 1
        accepted += not says_nothing
        iou = 0 if says_nothing or not either else both / either
        ious.append(iou)
        hits.append(iou)
        total_i += 0 if says_nothing else both
        total_u += either
    nan = float('nan')
    return {
        'gIoU': 100 * sum(ious) / len(ious),
        'cIoU': 100 * total_i / total_u if total_u else nan,
        'N-acc': 100 * rejected / empty if empty else 0,
        'T-acc': 100 * accepted / full if full else nan,
        **{f'P@{x}': 100 * sum(hit >= x for hit in hits) / full if full else nan for x in (0.7, 0.8, 0.9)},
    }


def test_a_scorer_on_pixels_gives_the_same_numbers():
    rng = np.random.default_rng(0)
    for _ in range(2000):
        samples = []
        for _ in range(rng.integers(1, 6)):
            means_nothing = bool(rng.random() < 0.4)
            gt = (rng.random((3, 4)) < rng.choice([0.3, 0.9])) & (not means_nothing)
            pred = gt ^ (rng.random((3, 4)) < rng.choice([0, 0.1, 0.6]))
            samples.append((pred, gt, bool(rng.random() < 0.4), means_nothing))
        scores = [gres_score(int((p & g).sum()), int((p | g).sum()), s, m) for p, g, s, m in samples]
        assert gres_scores(scores) == pytest.approx(slow_gres(samples), nan_ok=True)
