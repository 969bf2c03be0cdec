"""Against SciPy on constructed data, and by simulation: does the interval hold the truth as often as it says?"""

from math import isnan

import numpy as np
import pytest
from scipy import stats

from mmvg.evaluation.functional import holm, paired_bootstrap


def means(values):
    """Values (N,) as parts and wholes of a mean, (N, 1, 2)."""
    return np.stack([values, np.ones_like(values)], axis=-1)[:, None]


def ratios(parts, wholes):
    return np.stack([parts, wholes], axis=-1)[:, None].astype(float)


def draw(seed, count=150, shift=0.03):
    rng = np.random.default_rng(seed)
    first = rng.random(count)
    return first, np.clip(first + shift + 0.1 * rng.standard_normal(count), 0, 1)


@pytest.mark.parametrize('level', [0.9, 0.95])
def test_the_interval_of_a_mean_is_that_of_scipy_to_the_last_digits(level):
    first, second = draw(0)
    expected = stats.bootstrap(
        (first, second),
        lambda a, b, axis=-1: b.mean(axis) - a.mean(axis),
        paired=True,
        method='percentile',
        n_resamples=2000,
        confidence_level=level,
        rng=np.random.default_rng(5),
    )
    found = paired_bootstrap(means(first), means(second), resamples=2000, level=level, seed=5)[0]
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval), abs=1e-12)


def test_the_interval_of_a_ratio_is_that_of_scipy_to_the_last_digits():
    rng = np.random.default_rng(1)
    areas = rng.integers(10, 10_000, 120)
    first, second = (rng.random(120) * areas for _ in range(2))
    unions = [areas + rng.integers(0, 500, 120) for _ in range(2)]

    def difference(a, union_a, b, union_b, axis=-1):
        return b.sum(axis) / union_b.sum(axis) - a.sum(axis) / union_a.sum(axis)

    expected = stats.bootstrap(
        (first, unions[0], second, unions[1]),
        difference,
        paired=True,
        method='percentile',
        n_resamples=1500,
        rng=np.random.default_rng(2),
    )
    found = paired_bootstrap(ratios(first, unions[0]), ratios(second, unions[1]), resamples=1500, seed=2)[0]
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval), abs=1e-12)
    assert found.first == pytest.approx(first.sum() / unions[0].sum())


def test_draws_in_pieces_are_the_same_draws(monkeypatch):
    first, second = (means(values) for values in draw(3))
    whole = paired_bootstrap(first, second, resamples=300)
    monkeypatch.setattr('mmvg.evaluation.functional.bootstrap._CELLS', 1000)
    assert np.allclose(paired_bootstrap(first, second, resamples=300), whole, rtol=0, atol=1e-12)


def test_95_percent_intervals_hold_the_true_difference_95_times_in_100():
    rng, truth, inside = np.random.default_rng(0), 0.05, 0
    for trial in range(400):
        first = rng.random(100)
        second = first + truth + 0.3 * rng.standard_normal(100)
        found = paired_bootstrap(means(first), means(second), resamples=400, seed=trial)[0]
        inside += found.low <= truth <= found.high
    assert 0.92 <= inside / 400 <= 0.97


def test_equal_models_are_called_different_5_times_in_100():
    rng = np.random.default_rng(1)
    p_values = []
    for trial in range(400):
        base = rng.random(100)
        pair = [base + 0.2 * rng.standard_normal(100) for _ in range(2)]
        p_values.append(paired_bootstrap(*map(means, pair), resamples=400, seed=trial)[0].p_value)
    assert 0.03 <= np.mean(np.array(p_values) < 0.05) <= 0.085


def test_expressions_about_one_image_are_drawn_together_or_the_interval_is_too_narrow():
    rng, inside = np.random.default_rng(2), dict(images=0, expressions=0)
    images = np.repeat(np.arange(40), 8)
    for trial in range(200):
        change = 0.2 * np.repeat(rng.standard_normal(40), 8) + 0.02 * rng.standard_normal(320)  # of mean 0
        first = np.zeros(320)
        for name, units in (('images', images), ('expressions', None)):
            found = paired_bootstrap(means(first), means(change), units, resamples=300, seed=trial)[0]
            inside[name] += found.low <= 0 <= found.high
    assert inside['images'] / 200 >= 0.9
    assert inside['expressions'] / 200 <= 0.7


def test_units_of_one_sample_are_no_units():
    first, second = (means(values) for values in draw(4))
    units = np.arange(len(first))
    assert np.allclose(paired_bootstrap(first, second, units, 200), paired_bootstrap(first, second, None, 200))


def test_a_model_compared_with_itself_differs_nowhere():
    first, _ = draw(5)
    found = paired_bootstrap(means(first), means(first.copy()), resamples=200)[0]
    assert (found.low, found.high, found.p_value) == (0, 0, 1)


def test_a_clear_difference_has_the_least_p_value_that_so_many_resamples_can_tell():
    first, _ = draw(6)
    found = paired_bootstrap(means(first), means(first + 0.1), resamples=999)[0]
    assert found.p_value == pytest.approx(2 / 1000)


@pytest.mark.parametrize('seed', range(20))
def test_the_p_value_and_the_interval_say_the_same(seed):
    first, second = draw(seed, count=60, shift=0.02)
    found = paired_bootstrap(means(first), means(second), resamples=1999, seed=seed)[0]
    if abs(found.p_value - 0.05) > 0.003:
        assert (found.p_value < 0.05) == (not found.low <= 0 <= found.high)


def test_several_scores_share_the_draws_and_do_not_disturb_each_other():
    first, second = (means(values) for values in draw(7))
    both = paired_bootstrap(np.concatenate([first, second], 1), np.concatenate([second, first], 1), resamples=200)
    alone = paired_bootstrap(first, second, resamples=200)[0]
    assert both[0] == pytest.approx(alone)
    assert (both[1].low, both[1].high) == pytest.approx((-alone.high, -alone.low))


def test_samples_that_do_not_count_change_nothing_but_the_spread():
    first, second = draw(8)
    padded = [np.concatenate([means(values), np.zeros((50, 1, 2))]) for values in (first, second)]
    found = paired_bootstrap(*padded, resamples=500)[0]
    assert found.second - found.first == pytest.approx(second.mean() - first.mean())


def test_a_score_that_nothing_counts_in_is_undefined():
    found = paired_bootstrap(np.zeros((5, 1, 2)), np.zeros((5, 1, 2)), resamples=50)[0]
    assert all(map(isnan, found))


@pytest.mark.parametrize(
    ('first', 'second', 'message'),
    [
        (np.zeros((2, 1, 2)), np.zeros((3, 1, 2)), 'same samples'),
        (np.zeros((2, 2)), np.zeros((2, 2)), 'same samples'),
        (np.zeros((0, 1, 2)), np.zeros((0, 1, 2)), 'no sample'),
        (np.full((2, 1, 2), np.nan), np.zeros((2, 1, 2)), 'finite'),
    ],
)
def test_what_cannot_be_compared_is_an_error(first, second, message):
    with pytest.raises(ValueError, match=message):
        paired_bootstrap(first, second)


def test_holm_by_hand():
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.6, 0.9])).tolist() == [1, 1]
    with_gap = holm(np.array([0.01, np.nan, 0.04]))
    assert with_gap[[0, 2]].tolist() == pytest.approx([0.02, 0.04])
    assert isnan(with_gap[1])
    assert holm(np.zeros(0)).shape == (0,)
