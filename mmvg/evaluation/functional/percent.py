"""Shares in percent that do not depend on the order of the samples."""

from collections.abc import Iterable
from math import fsum, nan


def percent(part: float, whole: float) -> float:
    """``100 * part / whole``, NaN where ``whole`` is 0: a share of nothing is undefined."""
    return 100.0 * part / whole if whole else nan


def mean_percent(values: Iterable[float]) -> float:
    """Mean in percent, NaN for no values. The sum is exact, so every order gives the same last bit."""
    values = list(values)
    return percent(fsum(values), len(values))


def percent_at_least(values: Iterable[float], threshold: float) -> float:
    """Percent of ``values`` that are ``threshold`` or more (Prec@X of LAVT and ReLA), NaN for no values."""
    return mean_percent(value >= threshold for value in values)
