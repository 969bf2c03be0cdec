"""Is B better than A? Differences of scores of two models on the same samples, with a paired bootstrap.

Efron and Tibshirani, An Introduction to the Bootstrap (1993), Ch. 13.3 (percentile interval) and 15.4.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

_CELLS = 4_000_000  # drawn numbers that are held at once


class Difference(NamedTuple):
    """B minus A in one score.

    Args:
        first: The score of A.
        second: The score of B.
        low, high: Interval of the difference ``second - first``.
        p_value: Two-sided, for "there is no difference"; 1 where no resample differs.

    Example:
        >>> Difference(first=60.0, second=62.0, low=0.5, high=3.6, p_value=0.01).high
        3.6
    """

    first: float
    second: float
    low: float
    high: float
    p_value: float


def ratios(sums: np.ndarray) -> np.ndarray:
    """Divide parts by wholes (..., S, 2), NaN where a whole is 0.

    Example:
        >>> ratios(np.array([[1.0, 4.0], [0.0, 0.0]]))
        array([0.25,  nan])
    """
    parts, wholes = sums[..., 0], sums[..., 1]
    return np.divide(parts, wholes, out=np.full(parts.shape, np.nan), where=wholes != 0)


def paired_bootstrap(
    first: np.ndarray,
    second: np.ndarray,
    units: np.ndarray | None = None,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
    derive: Callable[[np.ndarray], np.ndarray] = ratios,
) -> list[Difference]:
    """Compare two models in scores that are made of sums over samples, such as ``sum of parts / sum of wholes``.

    A mean is a ratio whose wholes are 1 (0 where a sample does not count), cIoU is intersections over unions. Each
    resample draws as many units as there are, with replacement, and the **same** for both models and all scores; then
    numerators and denominators are summed and divided. The interval holds the percentiles of the difference; the
    p-value is twice the smaller share of resamples on one side of 0, so it is below 1 - level exactly where the
    interval leaves 0 out (but for the rounding of percentiles), and never below 2 / (resamples + 1).

    Args:
        first: (N, S, 2), part and whole of N samples in S sums of model A.
        second: The same of model B.
        units: (N,) what a sample belongs to, such as its image: expressions about one image are not independent, and
            are drawn together. By default every sample is one.
        resamples: How often to draw.
        level: Of the interval.
        seed: Of the draws.
        derive: Makes scores (..., K) of sums (..., S, 2).

    Returns:
        K differences, NaN where a score is undefined. Resamples in which a score is undefined are left out of it.

    Raises:
        ValueError: If the shapes differ, there is no sample, or a number is not finite.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> worse = np.stack([rng.random((200, 1)) * 0.5, np.ones((200, 1))], axis=-1)
        >>> found = paired_bootstrap(worse, worse + [0.1, 0], resamples=500)[0]
        >>> round(found.second - found.first, 6), round(found.low, 6), found.p_value
        (0.1, 0.1, 0.00399...)
    """
    first, second = _checked(first, second)
    count = len(first)
    if units is not None:
        _, units = np.unique(np.asarray(units), return_inverse=True)
        first, second = (_summed(columns, units) for columns in (first, second))
        count = len(first)
    both = np.stack([first, second], axis=1)  # units, models, sums, 2
    flat, shape = both.reshape(count, -1), both.shape[1:]
    rng = np.random.default_rng(seed)
    drawn = [derive(sums.reshape(-1, *shape)) for sums in _resampled_sums(flat, resamples, rng)]
    scores, drawn = derive(flat.sum(0).reshape(shape)), np.concatenate(drawn)  # models, K and R, models, K
    return [_difference(scores[:, k], drawn[:, :, k], level) for k in range(scores.shape[1])]


def holm(p_values: np.ndarray) -> np.ndarray:
    """Adjust ``p_values`` (S,) of several comparisons after Holm (1979): below alpha, each stands beside the others.

    NaN stays NaN and is not counted.

    Example:
        >>> holm(np.array([0.01, 0.04, 0.03]))
        array([0.03, 0.06, 0.06])
    """
    p_values = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(p_values.shape, np.nan)
    known = np.flatnonzero(np.isfinite(p_values))
    order = known[np.argsort(p_values[known], kind='stable')]
    steps = p_values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1) if len(order) else steps
    return adjusted


def _checked(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if first.shape != second.shape or first.ndim != 3 or first.shape[-1] != 2:
        raise ValueError(
            f'both models need (N, S, 2) parts and wholes of the same samples: {first.shape}, {second.shape}'
        )
    if not len(first):
        raise ValueError('there is no sample to compare')
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise ValueError('parts and wholes must be finite; a sample that does not count has part 0 and whole 0')
    return first, second


def _summed(columns: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Sum the rows of ``columns`` (N, S, 2) that belong to one unit."""
    sums = np.zeros((units.max() + 1, *columns.shape[1:]))
    np.add.at(sums, units, columns)
    return sums


def _resampled_sums(sums: np.ndarray, resamples: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Draw rows of ``sums`` (N, C) and add them up, (rounds, C) at a time."""
    count = len(sums)
    rounds = max(1, _CELLS // count)
    for start in range(0, resamples, rounds):
        rows = min(rounds, resamples - start)
        draws = rng.integers(0, count, (rows, count))
        draws += count * np.arange(rows)[:, None]
        yield np.bincount(draws.ravel(), minlength=rows * count).reshape(rows, count).astype(np.float64) @ sums


def _difference(scores: np.ndarray, drawn: np.ndarray, level: float) -> Difference:
    """Sum up one score of both models (2,) and what it was in the resamples (R, 2)."""
    changes = drawn[:, 1] - drawn[:, 0]
    changes = changes[np.isfinite(changes)]
    if not np.isfinite(scores).all() or not len(changes):
        return Difference(*(float(s) if np.isfinite(s) else np.nan for s in scores), np.nan, np.nan, np.nan)
    low, high = np.quantile(changes, [(1 - level) / 2, (1 + level) / 2])
    changes = np.where(np.abs(changes) < 1e-12, 0.0, changes)  # two equal sums, added in another order
    side = min(int((changes <= 0).sum()), int((changes >= 0).sum()))
    return Difference(*scores.tolist(), float(low), float(high), min(1.0, 2 * (1 + side) / (1 + len(changes))))
