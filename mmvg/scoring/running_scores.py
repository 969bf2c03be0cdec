"""Sums over any number of expressions in constant memory, the same to the last bit in any order and any grouping."""

from collections.abc import Mapping
from math import fsum

from mmvg.evaluation.functional import percent


class ExactSum:
    """A sum without rounding errors: of whole numbers, and of floats as non-overlapping parts (Shewchuk, 1997, Sec. 2).

    Example:
        >>> total = ExactSum()
        >>> for value in (1e100, 1.0, -1e100):
        ...     total.add(value)
        >>> total.value()
        1.0
    """

    def __init__(self) -> None:
        self.whole = 0
        self.parts: list[float] = []

    def add(self, value: float) -> None:
        """Add one number."""
        if isinstance(value, int):
            self.whole += value
            return
        kept = 0
        for part in self.parts:
            if abs(value) < abs(part):
                value, part = part, value
            high = value + part
            low = part - (high - value)
            if low:
                self.parts[kept] = low
                kept += 1
            value = high
        self.parts[kept:] = [value]

    def merge(self, other: 'ExactSum') -> None:
        """Add another sum."""
        self.whole += other.whole
        for part in other.parts:
            self.add(part)

    def value(self) -> float:
        """Return the sum, rounded once."""
        return fsum([*self.parts, self.whole]) if self.parts else self.whole


class RunningScores:
    """Scores of expressions that were added one by one, as numerators and denominators.

    Example:
        >>> scores = RunningScores()
        >>> scores.add({'P@0.5': (1.0, 1), 'oIoU': (10, 20)})
        >>> scores.add({'P@0.5': (0.0, 1), 'oIoU': (0, 20)})
        >>> scores.percents()
        {'P@0.5': 50.0, 'oIoU': 25.0}
    """

    def __init__(self) -> None:
        self._sums: dict[str, tuple[ExactSum, ExactSum]] = {}

    def add(self, parts: Mapping[str, tuple[float, float]]) -> None:
        """Add what one expression adds; see :meth:`mmvg.evaluation.GroundingMetric.parts`."""
        for name, part in parts.items():
            for total, value in zip(self._entry(name), part, strict=True):
                total.add(value)

    def merge(self, other: 'RunningScores') -> None:
        """Add the expressions of another one."""
        for name, sums in other._sums.items():
            for total, more in zip(self._entry(name), sums, strict=True):
                total.merge(more)

    def percents(self) -> dict[str, float]:
        """Return every score in percent, NaN where its denominator is 0."""
        return {name: percent(top.value(), bottom.value()) for name, (top, bottom) in self._sums.items()}

    def _entry(self, name: str) -> tuple[ExactSum, ExactSum]:
        if name not in self._sums:
            self._sums[name] = ExactSum(), ExactSum()
        return self._sums[name]
