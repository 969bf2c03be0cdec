"""Against scikit-learn and slow restatements on random data, and by hand."""

from math import isnan

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression

from mmvg.evaluation.functional import (
    apply_temperature,
    aurc,
    expected_calibration_error,
    fit_temperature,
    risk_coverage,
)


def draw(seed, temperature=1.0, count=2000):
    """Scores, and events that happen as often as the scores say once they are tempered."""
    rng = np.random.default_rng(seed)
    scores = rng.random(count)
    return scores, rng.random(count) < apply_temperature(scores, temperature)


@pytest.mark.parametrize('seed', range(5))
def test_the_error_is_that_of_the_bins_of_scikit_learn(seed):
    scores, right = draw(seed, 2.5)
    shares, means = calibration_curve(right, scores, n_bins=15, strategy='uniform')
    sizes = np.histogram(scores, np.linspace(0, 1, 16))[0]
    expected = 100 * (sizes[sizes > 0] * np.abs(shares - means)).sum() / len(scores)
    assert expected_calibration_error(scores, right) == pytest.approx(expected)


def test_the_edges_of_the_bins_belong_to_the_lower_one():
    # (0, 0.5] holds 0, 0.25 and 0.5 with one event: mean 0.25 against 1/3; (0.5, 1] holds 1.0
    found = expected_calibration_error(np.array([0, 0.25, 0.5, 1.0]), np.array([False, False, True, True]), num_bins=2)
    assert found == pytest.approx(100 * 3 / 4 * abs(1 / 3 - 0.25))


def test_scores_that_are_always_as_right_as_they_say_have_no_error():
    scores, right = np.repeat([0.25, 0.75], 4), np.array([1, 0, 0, 0, 1, 1, 1, 0], dtype=bool)
    assert expected_calibration_error(scores, right) == 0
    assert isnan(expected_calibration_error(np.zeros(0), np.zeros(0, bool)))


@pytest.mark.parametrize('temperature', [0.4, 1.0, 2.5])
def test_the_temperature_is_the_inverse_slope_of_a_logistic_regression_and_the_one_that_was_there(temperature):
    scores, right = draw(0, temperature, count=20_000)
    found = fit_temperature(scores, right)
    clipped = np.clip(scores, 1e-7, 1 - 1e-7)
    logits = np.log(clipped / (1 - clipped))
    regression = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10).fit(logits[:, None], right)
    assert found == pytest.approx(1 / regression.coef_[0, 0], rel=1e-4)
    assert found == pytest.approx(temperature, rel=0.05)


def test_a_fitted_temperature_mends_the_calibration_of_other_data():
    temperature = fit_temperature(*draw(1, 3.0))
    scores, right = draw(2, 3.0)
    before = expected_calibration_error(scores, right)
    assert expected_calibration_error(apply_temperature(scores, temperature), right) < before / 3


def test_a_temperature_keeps_order_ends_type_and_one_half():
    scores = np.array([0, 1e-9, 0.2, 0.5, 0.9, 1], dtype=np.float32)
    tempered = apply_temperature(scores, 3.0)
    assert tempered.dtype == np.float32
    assert (np.diff(tempered) > 0).all()
    assert tempered[[0, 3, 5]].tolist() == [0, 0.5, 1]
    assert apply_temperature(scores, 1) is scores


@pytest.mark.parametrize('right', [np.ones(3, bool), np.zeros(3, bool)])
def test_events_that_are_all_alike_fit_no_temperature(right):
    with pytest.raises(ValueError, match='all 3 are alike'):
        fit_temperature(np.full(3, 0.5), right)


@pytest.mark.parametrize('score', [-0.1, 1.1, np.nan])
def test_scores_that_are_no_probabilities_are_errors(score):
    with pytest.raises(ValueError, match=r'score 1 is .* not a probability'):
        expected_calibration_error(np.array([0.5, score]), np.array([True, False]))


def test_risk_over_coverage_by_hand():
    risks = risk_coverage(np.array([0.1, 0.9, 0.5]), np.array([1.0, 0.0, 1.0]))
    assert risks.tolist() == pytest.approx([0, 1 / 2, 2 / 3])
    assert aurc(np.array([0.1, 0.9, 0.5]), np.array([1.0, 0.0, 1.0])) == pytest.approx(100 * (0 + 1 / 2 + 2 / 3) / 3)
    assert isnan(aurc(np.zeros(0), np.zeros(0)))


def test_ties_are_the_mean_over_all_orders():
    rng = np.random.default_rng(0)
    confidence, loss = rng.integers(0, 4, 40) / 4, rng.random(40)
    orders = [np.lexsort((rng.random(40), -confidence)) for _ in range(4000)]
    expected = np.mean([np.cumsum(loss[order]) / np.arange(1, 41) for order in orders], axis=0)
    assert risk_coverage(confidence, loss) == pytest.approx(expected, abs=0.01)


def test_the_order_of_the_samples_does_not_matter():
    rng = np.random.default_rng(1)
    confidence, loss = rng.integers(0, 3, 30) / 3, rng.random(30)
    order = rng.permutation(30)
    assert aurc(confidence, loss) == pytest.approx(aurc(confidence[order], loss[order]), abs=1e-12)
