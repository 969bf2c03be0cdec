import numpy as np
import pytest

from mmvg.evaluation.functional import scores_above


def test_equality_passes_only_where_it_should():
    scores = np.array([0.25, 0.5, 0.75])
    assert scores_above(scores, 0.5, '>=').tolist() == [False, True, True]
    assert scores_above(scores, 0.5, '>').tolist() == [False, False, True]


def test_seven_tenths_in_float32_lies_below_seven_tenths():
    score = np.array([0.7], dtype=np.float32)
    assert not scores_above(score, 0.7, '>=')  # gRefCOCO compares in double precision
    assert not scores_above(score, 0.7, '>')
    assert scores_above(np.array([0.7]), 0.7, '>=')


def test_strict_comparison_is_made_in_float32():
    score = np.array([0.6], dtype=np.float32)  # 0.60000002
    assert not scores_above(score, 0.6, '>')
    assert scores_above(score.astype(np.float64), 0.6, '>=')


def test_bad_scores_and_comparisons_are_refused():
    with pytest.raises(ValueError, match='score 1 is not finite'):
        scores_above(np.array([0.1, np.nan]), 0.7)
    with pytest.raises(ValueError, match="'<'"):
        scores_above(np.array([0.1]), 0.7, '<')
