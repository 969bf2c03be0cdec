"""Against scikit-learn on random data with and without ties, and by hand where it has nothing."""

from math import isnan

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from mmvg.evaluation import VerdictMetric
from mmvg.evaluation.functional import auroc, average_precision, detection_curve, n_acc_at_t_acc


def draw(seed, ties):
    rng = np.random.default_rng(seed)
    scores = rng.random(200)
    positive = rng.random(200) < 0.2 + 0.6 * scores
    return (np.round(scores, 1) if ties else scores), positive


@pytest.mark.parametrize('ties', [False, True])
@pytest.mark.parametrize('seed', range(10))
def test_areas_are_those_of_scikit_learn(seed, ties):
    scores, positive = draw(seed, ties)
    assert auroc(scores, positive) == pytest.approx(100 * roc_auc_score(positive, scores), abs=1e-10)
    assert average_precision(scores, positive) == pytest.approx(100 * average_precision_score(positive, scores))


@pytest.mark.parametrize('ties', [False, True])
@pytest.mark.parametrize('seed', range(10))
def test_n_acc_is_one_minus_the_false_positives_where_enough_targets_pass(seed, ties):
    scores, has_target = draw(seed, ties)
    false_rate, true_rate, thresholds = roc_curve(has_target, scores, drop_intermediate=False)
    place = np.flatnonzero(true_rate >= 0.95)[0]
    found, threshold = n_acc_at_t_acc(scores, ~has_target)
    assert found == pytest.approx(100 * (1 - false_rate[place]))
    assert threshold == thresholds[place]
    assert ((scores >= threshold) & has_target).sum() >= 0.95 * has_target.sum() - 1e-9


def test_nineteen_of_twenty_are_95_percent():
    scores = np.append(np.arange(20, 0, -1), 1.5)
    no_target = np.arange(21) == 20
    assert n_acc_at_t_acc(scores, no_target) == (100, 2)
    with pytest.raises(ValueError, match=r'such as 0\.95, not 95'):
        n_acc_at_t_acc(scores, no_target, 95)
    with pytest.raises(ValueError, match=r'in percent, such as 95, not 0\.95'):
        VerdictMetric(t_acc=0.95)


def test_a_perfect_a_reversed_and_a_silent_score():
    truth = np.array([True, True, False, False])
    assert auroc(np.array([4, 3, 2, 1]), truth) == average_precision(np.array([4, 3, 2, 1]), truth) == 100
    assert auroc(np.array([1, 2, 3, 4]), truth) == 0
    assert auroc(np.zeros(4), truth) == 50
    assert average_precision(np.zeros(4), truth) == 50  # the share of positives


@pytest.mark.parametrize('truth', [np.ones(3, bool), np.zeros(3, bool), np.zeros(0, bool)])
def test_a_truth_that_is_all_alike_has_no_score(truth):
    assert isnan(auroc(np.zeros(len(truth)), truth))
    assert isnan(n_acc_at_t_acc(np.zeros(len(truth)), truth)[0])
    assert isnan(average_precision(np.zeros(len(truth)), truth)) == (not truth.any())


def test_scores_that_are_not_numbers_are_errors():
    with pytest.raises(ValueError, match='score 1 is not finite'):
        auroc(np.array([0.5, np.nan]), np.array([True, False]))
    with pytest.raises(ValueError, match='both as long'):
        detection_curve(np.zeros(2), np.zeros(3, bool))
