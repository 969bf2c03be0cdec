from math import isnan

import numpy as np
import pytest

from mmvg.evaluation.functional import mask_iou, res_scores


def test_three_expressions_by_hand():
    scores = res_scores([5, 0, 90], [10, 0, 100])
    assert scores == {
        'mIoU': pytest.approx(100 * (0.5 + 0 + 0.9) / 3),
        'oIoU': pytest.approx(100 * 95 / 110),
        'P@0.5': pytest.approx(200 / 3),  # 0.5 itself is a hit
        'P@0.6': pytest.approx(100 / 3),
        'P@0.7': pytest.approx(100 / 3),
        'P@0.8': pytest.approx(100 / 3),
        'P@0.9': pytest.approx(100 / 3),
    }


def test_two_empty_masks_have_an_iou_of_0():
    assert mask_iou(0, 0) == 0


def test_nothing_to_divide_by_gives_nan():
    assert all(isnan(value) for value in res_scores([], []).values())
    scores = res_scores([0], [0], thresholds=(0.5,))
    assert scores['mIoU'] == scores['P@0.5'] == 0
    assert isnan(scores['oIoU'])


def test_decoded_masks_give_the_same_numbers():
    rng = np.random.default_rng(0)
    for _ in range(2000):
        count = rng.integers(1, 6)
        preds, gts = rng.random((2, count, 4, 5)) < rng.choice([0, 0.3, 0.8, 1], (2, count, 1, 1))
        ious = [(p & g).sum() / (p | g).sum() if (p | g).any() else 0 for p, g in zip(preds, gts, strict=True)]
        found = res_scores(
            [int((p & g).sum()) for p, g in zip(preds, gts, strict=True)],
            [int((p | g).sum()) for p, g in zip(preds, gts, strict=True)],
        )
        assert found['mIoU'] == pytest.approx(100 * np.mean(ious))
        assert found['P@0.7'] == pytest.approx(100 * np.mean([iou >= 0.7 for iou in ious]))
        if (preds | gts).any():
            assert found['oIoU'] == pytest.approx(100 * (preds & gts).sum() / (preds | gts).sum())
        else:
            assert isnan(found['oIoU'])
