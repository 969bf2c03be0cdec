"""What is wrong with a data file, and what was done about it."""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from mmvg.checks import check_choice
from mmvg.foundation import print_log

#: Examples that are kept per kind of problem.
MAX_EXAMPLES = 3


class DataError(ValueError):
    """A data file holds something that cannot or must not be used; the message names file, id and cure.

    Example:
        >>> try:
        ...     LoadReport('strict', evaluation=False).fail('image without a size', 'instances.json', 'image_id 7')
        ... except DataError as error:
        ...     print(error)
        instances.json: image without a size: image_id 7. Correct the file or download it again.
    """


class SampleError(DataError):
    """The files of a sample are whole, but what they hold is no sample; a tolerant training skips it.

    Example:
        >>> issubclass(SampleError, DataError)
        True
    """


@dataclass
class ReportEntry:
    """How often one kind of problem was met, where first, and what was done."""

    action: str
    level: int
    count: int = 0
    examples: list[str] = field(default_factory=list)


class LoadReport:
    """Decides whether a problem in the files of one dataset raises, and counts those that do not.

    Args:
        mode: ``'strict'`` raises at the first problem, ``'tolerant'`` repairs or skips and counts.
        evaluation: Whether the samples are scored. Then none may be lost, in neither mode.

    Raises:
        ValueError: If ``mode`` is neither.

    Example:
        >>> report = LoadReport('tolerant', evaluation=False)
        >>> report.drop('missing image file', 'a.jpg', 'image_id 7')
        >>> report.counts()
        {'missing image file': 1}
        >>> report.lines()
        ['1 x missing image file: the sample is skipped (for example a.jpg: image_id 7)']
    """

    def __init__(self, mode: str, evaluation: bool) -> None:
        self.mode = check_choice('mode', mode, ('strict', 'tolerant'))
        self.evaluation = evaluation
        self.entries: dict[str, ReportEntry] = {}

    def note(self, kind: str, file: str | Path, where: str, action: str) -> None:
        """Count something that is expected in these files, in both modes."""
        self._count(kind, file, where, action, logging.INFO)

    def problem(self, kind: str, file: str | Path, where: str, action: str) -> None:
        """Raise in strict mode; in tolerant mode count, and the caller does what ``action`` says."""
        if self.mode == 'strict':
            raise DataError(f"{file}: {kind}: {where}. Correct the file, or use mode='tolerant': then {action}.")
        self._count(kind, file, where, action, logging.WARNING)

    def drop(self, kind: str, file: str | Path, where: str, action: str = 'the sample is skipped') -> None:
        """Like :meth:`problem` for a sample that would be lost: raises for evaluation splits in both modes."""
        if self.evaluation:
            raise DataError(f'{file}: {kind}: {where}. Correct the file: no sample may be missing from an evaluation.')
        self.problem(kind, file, where, action)

    def fail(self, kind: str, file: str | Path, where: str) -> NoReturn:
        """Raise in both modes.

        Raises:
            DataError: Always.
        """
        raise DataError(f'{file}: {kind}: {where}. Correct the file or download it again.')

    def add(self, other: 'LoadReport') -> None:
        """Count what ``other`` has counted as well."""
        for kind, entry in other.entries.items():
            own = self.entries.setdefault(kind, ReportEntry(entry.action, entry.level))
            own.count += entry.count
            own.examples = [*own.examples, *entry.examples][:MAX_EXAMPLES]

    def lines(self) -> list[str]:
        """Describe each kind in one line."""
        return [
            f'{entry.count} x {kind}: {entry.action} (for example {"; ".join(entry.examples)})'
            for kind, entry in self.entries.items()
        ]

    def log(self) -> None:
        """Write one line per kind to the current logger."""
        for line, entry in zip(self.lines(), self.entries.values(), strict=True):
            print_log(line, logger='current', level=entry.level)

    def counts(self) -> dict[str, int]:
        """Return how often each kind was met."""
        return {kind: entry.count for kind, entry in self.entries.items()}

    def _count(self, kind: str, file: str | Path, where: str, action: str, level: int) -> None:
        entry = self.entries.setdefault(kind, ReportEntry(action, level))
        entry.count += 1
        if len(entry.examples) < MAX_EXAMPLES:
            entry.examples.append(f'{file}: {where}')
