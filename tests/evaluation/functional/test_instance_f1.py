"""By hand; the slow restatement follows the authors' rule: truth by truth, the best free box."""

import numpy as np
import pytest

from mmvg.evaluation.functional import instance_f1_scores, ordered_matches, precision_recall


def slow_matches(overlaps, threshold):
    used = set()
    for truth in range(overlaps.shape[1]):
        free = [(overlaps[row, truth], -row) for row in range(len(overlaps)) if row not in used]
        if free and max(free)[0] >= threshold:
            used.add(-max(free)[1])
    return len(used)


@pytest.mark.parametrize('seed', range(30))
def test_matches_are_those_of_the_slow_rule(seed):
    rng = np.random.default_rng(seed)
    overlaps = rng.integers(0, 11, tuple(rng.integers(0, 6, 2))) / 10  # with ties
    for threshold in (0.5, 0.95):
        assert ordered_matches(overlaps, threshold) == slow_matches(overlaps, threshold)


def test_the_input_is_left_as_it_is():
    overlaps = np.array([[0.9, 0.8]])
    assert ordered_matches(overlaps, 0.5) == 1
    assert overlaps.tolist() == [[0.9, 0.8]]


@pytest.mark.parametrize(
    ('shape', 'expected'),
    [((0, 0), 1.0), ((2, 0), 0.0), ((0, 2), 0.0)],
    ids=['nothing, and nothing meant', 'boxes, and nothing meant', 'nothing, and two meant'],
)
def test_expressions_without_boxes(shape, expected):
    assert precision_recall(np.zeros(shape), [0.5]) == ((expected,), (expected,))


def test_f1_is_made_of_means_and_is_not_the_mean_of_f1():
    one, other = precision_recall(np.array([[1.0, 0.0]]), [0.5]), precision_recall(np.array([[1.0], [0.0]]), [0.5])
    found = instance_f1_scores([one, other], [0.5])  # precision 1 and 1/2, recall 1/2 and 1
    assert found['P@0.5'] == found['R@0.5'] == found['F1@0.5'] == 75
    assert (2 / 3 + 2 / 3) / 2 != 0.75


def test_the_mean_over_thresholds_and_both_ends():
    scores = [precision_recall(np.array([[0.72]]), (0.5, 0.7, 0.95))]
    found = instance_f1_scores(scores, (0.5, 0.7, 0.95))
    assert found['F1@0.5'] == 100
    assert found['F1@0.95'] == 0
    assert found['F1@mIoU'] == pytest.approx(200 / 3)


def test_ten_boxes_for_one_target_have_a_tenth_of_the_precision():
    found = instance_f1_scores([precision_recall(np.eye(10)[:, :1], [0.5])], [0.5])
    assert (found['P@0.5'], found['R@0.5']) == (10, 100)
    assert found['F1@0.5'] == pytest.approx(2 * 10 * 100 / 110)
