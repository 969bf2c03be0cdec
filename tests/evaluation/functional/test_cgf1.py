"""Expected values are worked out by hand from Eq. 1 to 3 of SAM 3, or come from scikit-learn and a slow restatement."""

from itertools import permutations
from math import isnan

import numpy as np
import pytest
from sklearn.metrics import matthews_corrcoef

from mmvg.evaluation.functional import COCO_THRESHOLDS, CGF1Score, cgf1_score, cgf1_scores, matthews, optimal_overlaps


def test_the_assignment_is_optimal_where_a_greedy_one_is_not():
    overlaps = np.array([[0.9, 0.8], [0.7, 0.1]])
    assert sorted(optimal_overlaps(overlaps)) == [0.7, 0.8]
    assert cgf1_score(overlaps, [0.5]).true_positives == (2,)


@pytest.mark.parametrize('seed', range(20))
def test_pairs_are_those_of_the_best_of_all_assignments(seed):
    rng = np.random.default_rng(seed)
    overlaps = rng.random(tuple(rng.integers(1, 5, 2)))
    wide = overlaps if overlaps.shape[0] <= overlaps.shape[1] else overlaps.T
    sums = [sum(wide[i, j] for i, j in enumerate(chosen)) for chosen in permutations(range(wide.shape[1]), len(wide))]
    assert optimal_overlaps(overlaps).sum() == pytest.approx(max(sums))


def test_the_numbers_of_the_paper_by_hand():
    # two expressions with a target: 1 of 2 found and one box too many; 1 of 1 found at 0.72 (5 of 10 thresholds)
    scores = [
        cgf1_score(np.array([[1.0, 0.0], [0.2, 0.3]])),
        cgf1_score(np.array([[0.72]])),
        cgf1_score(np.zeros((0, 1))),  # nothing listed: a false negative of the verdict
        cgf1_score(np.zeros((0, 0))),
        cgf1_score(np.zeros((1, 0))),  # something listed where nothing is meant
        cgf1_score(np.zeros((0, 0))),
    ]
    found = cgf1_scores(scores)
    low, high = 2 * 2 / (3 + 4), 2 * 1 / (3 + 4)  # boxes: 2 + 1 + 0 listed, 2 + 1 + 1 true
    assert found['pmF1'] == pytest.approx(100 * (low + high) / 2)
    assert found['pMF1'] == pytest.approx(100 * (0.5 + 0.5 + 0) / 3)
    assert found['IL_MCC'] == pytest.approx((2 * 2 - 1 * 1) / np.sqrt(3 * 3 * 3 * 3))
    assert found['cgF1'] == pytest.approx(found['pmF1'] * found['IL_MCC'])


@pytest.mark.parametrize('seed', range(10))
def test_mcc_is_that_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    truth, listed = rng.random(40) < 0.5, rng.random(40) < rng.random()
    cells = [(listed & truth).sum(), (listed & ~truth).sum(), (~listed & truth).sum(), (~listed & ~truth).sum()]
    assert matthews(*map(int, cells)) == pytest.approx(matthews_corrcoef(truth, listed))


def test_a_model_that_always_answers_gets_nothing_and_data_that_always_mean_something_have_no_score():
    right, wrong = CGF1Score((1,), 1, 1), CGF1Score((0,), 1, 0)
    assert cgf1_scores([right, wrong])['cgF1'] == 0
    found = cgf1_scores([right, right])
    assert found['pmF1'] == 100
    assert isnan(found['IL_MCC'])
    assert isnan(found['cgF1'])


def test_without_a_target_anywhere_only_the_verdict_is_undefined_too():
    assert all(isnan(value) for value in cgf1_scores([CGF1Score((0,), 0, 0)]).values())
    assert all(isnan(value) for value in cgf1_scores([]).values())


def test_a_verdict_that_is_always_wrong_is_negative():
    found = cgf1_scores([CGF1Score((1,), 1, 1), CGF1Score((0,), 0, 1), CGF1Score((0,), 1, 0), CGF1Score((0,), 1, 0)])
    assert found['IL_MCC'] < 0
    assert found['cgF1'] < 0


def test_the_thresholds_are_those_of_coco():
    assert tuple(np.round(np.linspace(0.5, 0.95, 10), 2).tolist()) == COCO_THRESHOLDS
