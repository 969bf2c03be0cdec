"""Sums over any number of expressions in constant memory, the same to the last bit in any order and any grouping."""

from collections.abc import Mapping
from fractions import Fraction

from mmvg.evaluation.functional import percent


class RunningScores:
    """Scores of expressions that were added one by one, as numerators and denominators, which are kept exactly.

    Example:
        >>> scores = RunningScores()
        >>> scores.add({'P@0.5': (1.0, 1), 'oIoU': (10, 20)})
        >>> scores.add({'P@0.5': (0.0, 1), 'oIoU': (0, 20)})
        >>> scores.percents()
        {'P@0.5': 50.0, 'oIoU': 25.0}
    """

    def __init__(self) -> None:
        self._sums: dict[str, list[int | Fraction]] = {}

    def add(self, parts: Mapping[str, tuple[float, float]]) -> None:
        """Add what one expression adds; see :meth:`mmvg.evaluation.GroundingMetric.parts`."""
        for name, (top, bottom) in parts.items():
            self._add(name, _exact(top), _exact(bottom))

    def merge(self, other: 'RunningScores') -> None:
        """Add the expressions of another one."""
        for name, (top, bottom) in other._sums.items():
            self._add(name, top, bottom)

    def percents(self) -> dict[str, float]:
        """Return every score in percent, each sum rounded once; NaN where the denominator is 0."""
        return {name: percent(float(top), float(bottom)) for name, (top, bottom) in self._sums.items()}

    def _add(self, name: str, top: int | Fraction, bottom: int | Fraction) -> None:
        sums = self._sums.setdefault(name, [0, 0])
        sums[0] += top
        sums[1] += bottom


def _exact(value: float) -> int | Fraction:
    """Return a number for sums without rounding; whole numbers, which are most, stay what they are."""
    return value if isinstance(value, int) else Fraction(float(value))
