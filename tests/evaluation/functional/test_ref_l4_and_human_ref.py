"""Against calculations by hand from the authors' definitions."""

from math import isnan

import numpy as np
import pytest

from mmvg.evaluation.functional import human_ref_score, human_ref_scores, ref_l4_scores


def test_an_iou_of_exactly_the_threshold_is_not_above_it():
    scores = ref_l4_scores([0.5, 0.75, 0.9, 1.0], [10, 10, 10, 10])
    assert (scores['Acc@0.5'], scores['Acc@0.75'], scores['Acc@0.9']) == (75, 50, 25)


def test_macc_is_the_mean_over_ten_thresholds():
    assert ref_l4_scores([0.72], [10])['mAcc'] == pytest.approx(50)  # above 0.5, 0.55, 0.6, 0.65 and 0.7


def test_sizes_end_at_128_and_at_256():
    scores = ref_l4_scores([1.0, 0.0, 1.0, 0.0, 1.0], [127.9, 128, 200, 256, 256.1])
    assert [scores[f'{size}/Acc@0.5'] for size in ('small', 'medium', 'large')] == [100, pytest.approx(100 / 3), 100]
    assert isnan(ref_l4_scores([1.0], [10])['large/mAcc'])


def test_more_boxes_than_persons_are_punished():
    overlaps = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [0.0, 0.0]])  # four boxes for two persons
    score = human_ref_score(overlaps, num_persons=2)
    assert (score.precision, score.recall) == (0.5, 1)
    assert score.density_f1 == pytest.approx(2 * 0.5 / 1.5 * 0.5)
    assert human_ref_score(overlaps, num_persons=9).density_f1 == pytest.approx(2 * 0.5 / 1.5)


def test_two_boxes_on_one_person_are_both_right():
    assert human_ref_score(np.array([[0.97], [0.97]]), num_persons=2).precision == 1


def test_nothing_answered_is_right_where_nobody_is_meant_and_only_there():
    nobody, missed = human_ref_score(np.zeros((0, 0)), 3), human_ref_score(np.zeros((0, 2)), 3)
    invented = human_ref_score(np.zeros((1, 0)), 3)
    scores = human_ref_scores([nobody, missed, invented])
    assert scores == dict(P=0, R=0, DF1=0, rejection=50)
