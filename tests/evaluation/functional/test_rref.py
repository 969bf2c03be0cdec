"""Scores of R-RefCOCO, worked out by hand."""

import pytest

from mmvg.evaluation.functional.rref import RRefScore, rref_scores


def positive(ref, intersection, union):
    return RRefScore(ref, False, intersection, union, True, 0)


def negative(ref, answered, false_pixels):
    return RRefScore(ref, True, 0, 0, answered, false_pixels)


def test_pixels_of_a_rejected_answer_are_not_counted():
    """A mask may be left over where the verdict is that nothing is meant."""
    left_over = [positive(1, 6, 10), negative(1, False, 50), negative(1, True, 2)]
    clean = [positive(1, 6, 10), negative(1, False, 0), negative(1, True, 2)]
    assert rref_scores(left_over) == rref_scores(clean)
    assert rref_scores(clean)['rIoU'] == pytest.approx(100 * 6 / (10 + 2))
    assert rref_scores(clean)['mRR'] == pytest.approx(50)
