from math import isnan

import numpy as np
import pytest

from mmvg.evaluation.functional import no_target_accuracy


def test_each_accuracy_looks_at_its_own_expressions():
    found = no_target_accuracy([True, False, True, False, False], [True, True, False, False, False])
    assert found == {'N-acc': 50, 'T-acc': pytest.approx(200 / 3)}


def test_without_such_expressions_n_acc_is_0_and_t_acc_undefined():
    assert no_target_accuracy([False], [False]) == {'N-acc': 0, 'T-acc': 100}
    found = no_target_accuracy([True], [True])
    assert found['N-acc'] == 100
    assert isnan(found['T-acc'])


def test_counting_one_by_one_gives_the_same():
    rng = np.random.default_rng(0)
    for _ in range(2000):
        pred, gt = rng.random((2, rng.integers(1, 9))) < 0.5
        confusion = np.zeros((2, 2))
        for p, g in zip(pred, gt, strict=True):
            confusion[int(p), int(g)] += 1
        found = no_target_accuracy(pred.tolist(), gt.tolist())
        if gt.any():
            assert found['N-acc'] == pytest.approx(100 * confusion[1, 1] / (confusion[1, 1] + confusion[0, 1]))
        if not gt.all():
            assert found['T-acc'] == pytest.approx(100 * confusion[0, 0] / (confusion[0, 0] + confusion[1, 0]))


def test_lists_of_different_length_are_refused():
    with pytest.raises(ValueError, match='longer'):
        no_target_accuracy([True], [True, False])
