"""The scores of single expressions of one model, and the pairs that those of two models make."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmvg.scoring import SampleRow, read_per_sample

#: How far the sums of a table may be from the scores of its first line, in percent.
_ROUNDING = 1e-4


class MismatchError(ValueError):
    """Two tables are not about the same thing, or one of them is not whole.

    Example:
        >>> raise MismatchError('lavt was scored on other data')
        Traceback (most recent call last):
            ...
        mmvg.analysis.comparison.tables.MismatchError: lavt was scored on other data
    """


@dataclass(frozen=True)
class ScoreTable:
    """What one model scored, expression by expression.

    Args:
        name: What the model is called.
        rows: One per expression.
        about: ``protocol``, and as far as they are known ``data``, ``answers`` and ``scores``; see
            :mod:`mmvg.scoring.per_sample`.

    Example:
        >>> row = SampleRow(dict(dataset='a', img_id=1, ref_id=1, sent_id=1), 'the mug', parts={'rec/P@0.5': (1, 1)})
        >>> ScoreTable('mine', [row]).rows[0].sentence
        'the mug'
    """

    name: str
    rows: Sequence[SampleRow]
    about: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, path: str | Path, name: str | None = None) -> 'ScoreTable':
        """Read what ``mmvg score --per-sample`` wrote.

        Raises:
            FileNotFoundError: If there is no such file.
            MismatchError: If the rows do not add up to the scores of the first line.
            ValueError: If it is something else; names the line.
        """
        about, rows = read_per_sample(path)
        table = cls(name or Path(path).stem, rows, about)
        table.check_sums(path)
        return table

    def check_sums(self, path: str | Path) -> None:
        """Check that the rows add up to the scores that the table says it has.

        Raises:
            MismatchError: If they do not.
        """
        sums: dict[str, list[list[float]]] = defaultdict(lambda: [[], []])
        for row in self.rows:
            for name, part in row.parts.items():
                for numbers, value in zip(sums[name], part, strict=True):
                    numbers.append(value)
        for name, value in (self.about.get('scores') or {}).items():
            if name not in sums or not isinstance(value, int | float) or not math.isfinite(value):
                continue
            part, whole = map(math.fsum, sums[name])
            if whole and abs(100 * part / whole - value) > _ROUNDING:
                raise MismatchError(
                    f'{path}: its {len(self.rows)} rows make {name} {100 * part / whole:.4f}, but its first line says '
                    f'{value:.4f}: lines are missing or were changed, write the table again'
                )


def pair_tables(first: ScoreTable, second: ScoreTable) -> list[tuple[SampleRow, SampleRow]]:
    """Pair the rows of two tables by their ids, in the order of the first.

    Raises:
        MismatchError: If protocol, data or expressions differ, or a table has an id twice; says what differs.

    Example:
        >>> row = SampleRow(dict(dataset='a', img_id=1, ref_id=1, sent_id=1), 'the mug', parts={'rec/P@0.5': (1, 1)})
        >>> len(pair_tables(ScoreTable('lavt', [row]), ScoreTable('magnet', [row])))
        1
        >>> pair_tables(ScoreTable('lavt', [row]), ScoreTable('magnet', []))
        Traceback (most recent call last):
            ...
        mmvg.analysis.comparison.tables.MismatchError: 1 of 1 expressions of lavt are not in magnet, ...
    """
    _check_protocols(first, second)
    _check_data(first, second)
    ours, theirs = _by_key(first), _by_key(second)
    for have, lack, (one, other) in ((first, second, (ours, theirs)), (second, first, (theirs, ours))):
        if missing := [key for key in one if key not in other]:
            raise MismatchError(
                f'{len(missing)} of {len(one)} expressions of {have.name} are not in {lack.name}, such as '
                f'{missing[0]}: score both models on the same data'
            )
    if not ours:
        raise MismatchError(f'{first.name} and {second.name} hold no expression')
    for key, row in ours.items():
        if row.sentence != theirs[key].sentence:
            raise MismatchError(
                f'{key} is {row.sentence!r} in {first.name} and {theirs[key].sentence!r} in {second.name}: '
                'score both models on the same sentences'
            )
    names = [{name for row in rows.values() for name in row.parts} for rows in (ours, theirs)]
    if not names[0] & names[1]:
        raise MismatchError(f'{first.name} and {second.name} have no score in common: score both by one protocol')
    return [(row, theirs[key]) for key, row in ours.items()]


def _by_key(table: ScoreTable) -> dict[tuple, SampleRow]:
    found: dict[tuple, SampleRow] = {}
    for row in table.rows:
        if found.setdefault(row.key, row) is not row:
            raise MismatchError(f'{table.name} has {row.key} twice: write the table again')
    return found


def _check_protocols(first: ScoreTable, second: ScoreTable) -> None:
    ours, theirs = (table.about.get('protocol') or {} for table in (first, second))
    different = [key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key)]
    if different:
        listed = '; '.join(f'{key} is {ours.get(key)!r} and {theirs.get(key)!r}' for key in different)
        raise MismatchError(
            f'{first.name} and {second.name} were scored by different protocols: {listed}. Score both by one'
        )


def _check_data(first: ScoreTable, second: ScoreTable) -> None:
    ours, theirs = (_described(table.about.get('data')) for table in (first, second))
    if ours['sha256'] and theirs['sha256'] and ours['sha256'] != theirs['sha256']:
        listed = ' and '.join(f'{data["name"] or "?"} (sha256 {data["sha256"][:16]})' for data in (ours, theirs))
        raise MismatchError(
            f'{first.name} and {second.name} were scored on different data, {listed}: expressions or targets differ. '
            'Score both on the same files'
        )


def _described(data: Any) -> dict[str, str]:
    """Return name and hash of the data that a table says it is about."""
    if isinstance(data, Mapping):
        return dict(name=str(data.get('name', '')), sha256=str(data.get('sha256', '')))
    return dict(name='', sha256=str(data or ''))
