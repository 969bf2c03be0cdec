"""Shares in percent that do not depend on the order of the samples."""

from collections.abc import Iterable
from math import fsum, nan


def percent(part: float, whole: float) -> float:
    """Compute ``100 * part / whole``, NaN where ``whole`` is 0: a share of nothing is undefined.

    Example:
        >>> percent(1, 8)
        12.5
    """
    return 100.0 * part / whole if whole else nan


def mean_percent(values: Iterable[float]) -> float:
    """Compute the mean in percent, NaN for no values. The sum is exact, so every order gives the same last bit.

    Example:
        >>> mean_percent([True, False, False, True])
        50.0
    """
    values = list(values)
    return percent(fsum(values), len(values))


def percent_at_least(values: Iterable[float], threshold: float) -> float:
    """Compute the percent of ``values`` that are ``threshold`` or more (Prec@X of LAVT and ReLA), NaN for no values.

    Example:
        >>> percent_at_least([0.4, 0.5, 0.6, 0.7], 0.5)
        75.0
    """
    return mean_percent(value >= threshold for value in values)


def percent_above(values: Iterable[float], threshold: float) -> float:
    """Compute the percent of ``values`` that are more than ``threshold`` (Prec@X of CRIS and CROG), NaN for no values.

    Example:
        >>> percent_above([0.4, 0.5, 0.6, 0.7], 0.5)
        50.0
    """
    return mean_percent(value > threshold for value in values)
