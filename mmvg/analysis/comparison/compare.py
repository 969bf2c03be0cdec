"""Differences between two models, with intervals: of every score, by groups of expressions, and of single ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mmvg.analysis.comparison.tables import MismatchError, ScoreTable, pair_tables
from mmvg.checks import check_choice, suggest
from mmvg.evaluation.functional import (
    ASPECTS,
    CompositeScores,
    Difference,
    expression_groups,
    holm,
    in_order,
    paired_bootstrap,
)
from mmvg.scoring import SampleRow

#: What a sample is right or wrong by if nobody says so: the first of these that was scored. Where there are grasps, an
#: answer is right if its best grasp is, whatever box or mask it has.
HEADLINES = (
    'grasp/J@1',
    'grasp_anything/success',
    'grec/F1',
    'gres/gIoU',
    'rec/P@0.5',
    'res/mIoU',
    'refzom/mIoU',
    'phrasecut/mIoU',
    'rref/IoU',
)
#: Per-sample values that differ less are a tie.
TIE = 1e-9
#: With fewer units an interval is too narrow.
FEW_UNITS = 30
#: A score or group of fewer units gets no interval: three that agree by chance would have one without width.
LEAST_UNITS = 10


@dataclass(frozen=True)
class ScoreLine:
    """One score of both models.

    Args:
        name: Such as ``'grec/F1'``.
        difference: B minus A, in percent.
        p_holm: The p-value beside those of the other lines (Holm).
        count: Expressions that count.
        wins, ties, losses: Expressions in which B is better, as good, worse; None for a score of the whole set.
        units: Images, or expressions if each is drawn by itself, that count. Of fewer than ``LEAST_UNITS`` nothing can
            be told: interval and p-values are NaN.

    Example:
        >>> line = ScoreLine('grec/F1', Difference(60.0, 62.0, 0.5, 3.6, 0.01), p_holm=0.03, count=100)
        >>> line.difference.second
        62.0
    """

    name: str
    difference: Difference
    p_holm: float
    count: int
    wins: int | None = None
    ties: int | None = None
    losses: int | None = None
    units: int = 0


@dataclass(frozen=True)
class GroupLine(ScoreLine):
    """The headline score of a group of expressions; ``aspect`` is what they are sorted by, ``name`` the group.

    Example:
        >>> GroupLine('relation', Difference(60.0, 62.0, 0.5, 3.6, 0.01), p_holm=0.03, count=100, aspect='kind').name
        'relation'
    """

    aspect: str = ''


@dataclass(frozen=True)
class SampleLine:
    """One expression, and what both models get for it.

    Args:
        row: Of the first table.
        groups: Aspect to groups.
        first, second: The headline score of both models, in percent.

    Example:
        >>> row = SampleRow(dict(dataset='a', img_id=1, ref_id=1, sent_id=1), 'the mug')
        >>> SampleLine(row, dict(kind=('name',)), first=40.0, second=90.0).change
        50.0
    """

    row: SampleRow
    groups: dict[str, tuple[str, ...]]
    first: float
    second: float

    @property
    def change(self) -> float:
        """B minus A."""
        return self.second - self.first


@dataclass(frozen=True)
class Comparison:
    """Everything that two tables say about two models.

    Args:
        names: Of A and B.
        headline: Name of the score by which samples are right or wrong.
        scores: The headline first.
        groups: Of the headline, by aspect.
        samples: Expressions that count for it, those that differ most first, else in the order of the data.
        settings: ``resamples``, ``level``, ``seed``, ``unit`` and ``units``, their number.
        protocol: Of both.
        data: Name of the data, if it is known.
        notes: What has to be known to read it.

    Example:
        >>> line = ScoreLine('grec/F1', Difference(60.0, 62.0, 0.5, 3.6, 0.01), p_holm=0.01, count=100)
        >>> print(Comparison(('A', 'B'), 'grec/F1', [line], [], [], dict(level=0.95)).conclusion())
        B is better than A in grec/F1: +2.00 with a 95 % interval of +0.50 to +3.60, p = 0.0100.
    """

    names: tuple[str, str]
    headline: str
    scores: list[ScoreLine]
    groups: list[GroupLine]
    samples: list[SampleLine]
    settings: dict[str, Any]
    protocol: dict[str, Any] = field(default_factory=dict)
    data: str = ''
    notes: list[str] = field(default_factory=list)

    def conclusion(self) -> str:
        """Say in one sentence which model is better in the headline, if that can be told."""
        found = self.scores[0].difference
        change = found.second - found.first
        percent = f'{100 * self.settings["level"]:g} %'
        interval = f'{change:+.2f} with a {percent} interval of {found.low:+.2f} to {found.high:+.2f}'
        interval += f', p = {found.p_value:.4f}'
        if not np.isfinite(change):
            return f'{self.headline} is undefined on these data.'
        if not np.isfinite(found.p_value):
            few = f'too few {self.settings["unit"]}s ({self.scores[0].units}) to tell'
            return f'There are {few} a difference between {" and ".join(self.names)} in {self.headline}: {change:+.2f}.'
        if found.p_value >= 1 - self.settings['level']:
            both = f'{self.names[0]} and {self.names[1]}'
            return f'No difference between {both} can be told in {self.headline}: {interval}.'
        better, worse = (self.names[1], self.names[0]) if change > 0 else self.names
        return f'{better} is better than {worse} in {self.headline}: {interval}.'


def compare_tables(
    first: ScoreTable,
    second: ScoreTable,
    headline: str | None = None,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
    unit: str = 'image',
    progress: Callable[[str], None] = lambda what: None,
) -> Comparison:
    """Compare two models on the same expressions.

    Args:
        first: Of model A.
        second: Of model B.
        headline: The score by which groups and samples are compared; by default the first of ``HEADLINES``.
        resamples: Of the bootstrap.
        level: Of the intervals.
        seed: Of the draws.
        unit: ``'image'``: all expressions about an image are drawn together, for they are not independent;
            ``'expression'``: each by itself.
        progress: Told what is being computed.

    Raises:
        MismatchError: If the tables do not fit together, or have no such score.
        ValueError: If a setting is none of its choices.

    Example:
        >>> def row(number, hit):
        ...     ids = dict(dataset='a', img_id=number, ref_id=number, sent_id=number)
        ...     return SampleRow(ids, ('red mug', 'mug on the left')[number % 2], parts={'rec/P@0.5': (hit, 1)})
        >>> def table(name, hits):
        ...     return ScoreTable(name, [row(number, hit) for number, hit in enumerate(hits)])
        >>> found = compare_tables(table('A', [0, 1] * 50), table('B', [1] * 100), resamples=500)
        >>> found.scores[0].wins, found.scores[0].losses, [line.name for line in found.groups]
        (50, 0, ['attribute', 'place', '1-3', '4-6'])
        >>> print(found.conclusion())
        B is better than A in rec/P@0.5: +50.00 with a 95 % interval of +40.00 to +59.00, p = 0.0040.
    """
    check_choice('unit', unit, ('image', 'expression'))
    if not 0.5 <= level < 1:
        raise ValueError(f'the level of an interval is a share from 0.5 to 1, such as 0.95, not {level}')
    if resamples < 100:
        raise ValueError(f'{resamples} resamples are too few for an interval: take 1000 or more')
    pairs = pair_tables(first, second)
    sums = _common_sums(pairs)
    composites = CompositeScores(sums)
    headline = _headline(headline, composites.names)
    columns = [_columns([pair[side] for pair in pairs], sums) for side in (0, 1)]
    units = np.arange(len(pairs))
    if unit == 'image':
        units = np.unique([_unit(row) for row, _ in pairs], return_inverse=True)[1]
    present = (columns[0][..., 1] > 0) | (columns[1][..., 1] > 0)
    settings = dict(resamples=resamples, level=level, seed=seed)

    def bootstrap(chosen: np.ndarray) -> list[tuple[Difference, int]]:
        drawn_together = units[chosen] if unit == 'image' else None
        found = paired_bootstrap(*(part[chosen] for part in columns), drawn_together, **settings, derive=composites)
        counted = _counted_units(units[chosen], present[chosen], composites.sources)
        return [(_told(*pair), pair[1]) for pair in zip(found, counted, strict=True)]

    progress('scores')
    lines = _score_lines(bootstrap(np.arange(len(pairs))), composites.names, sums, columns)
    lines.sort(key=lambda line: line.name != headline)
    groups = [_groups_of(row) for row, _ in pairs]
    values = _sample_values(headline, sums, columns)
    place = composites.names.index(headline)
    group_lines = []
    for aspect, name, chosen in _members(groups):
        progress(f'{aspect} {name}')
        difference, counted = bootstrap(chosen)[place]
        group_lines.append(_group_line(difference, counted, aspect, name, values[:, chosen], len(chosen)))
    number = len(np.unique(units))
    return Comparison(
        names=(first.name, second.name),
        headline=headline,
        scores=lines,
        groups=_adjusted(group_lines),
        samples=_sample_lines(pairs, groups, values),
        settings=settings | dict(unit=unit, units=number),
        protocol=dict(first.about.get('protocol') or {}),
        data=str((first.about.get('data') or {}).get('name', '')) if isinstance(first.about.get('data'), dict) else '',
        notes=_notes(first, second, pairs) + _few_notes(lines, number, unit),
    )


def _counted_units(units: np.ndarray, present: np.ndarray, sources: Sequence[Sequence[Sequence[int]]]) -> list[int]:
    """Count the units that count for each score.

    Args:
        units: (N,) numbers of what is drawn together.
        present: (N, S) bool, whether an expression counts in a sum, for either model.
        sources: See :class:`CompositeScores`.
    """

    def count(group: Sequence[int]) -> int:
        return len(np.unique(units[present[:, group].any(axis=1)]))

    return [min(map(count, groups), default=0) for groups in sources]


def _told(difference: Difference, units: int) -> Difference:
    """Return a difference without interval and p-value where too few units count for it."""
    return difference if units >= LEAST_UNITS else difference._replace(low=np.nan, high=np.nan, p_value=np.nan)


def _unit(row: SampleRow) -> str:
    return f'{row.id.get("dataset")}\n{row.id.get("img_id")}'


def _common_sums(pairs: Sequence[tuple[SampleRow, SampleRow]]) -> list[str]:
    """Return the names that both models have, in the order in which they come."""
    names = [dict.fromkeys(name for pair in pairs for name in pair[side].parts) for side in (0, 1)]
    cells = [name for name in names[1] if '/IL_' in name and name not in names[0]]  # one that A's verdicts never fill
    return [name for name in names[0] if name in names[1] or '/IL_' in name] + cells


def _headline(asked: str | None, names: Sequence[str]) -> str:
    if asked is not None:
        if asked not in names:
            raise MismatchError(f'{asked} was not scored; there are {", ".join(names)}{suggest(asked, names)}')
        return asked
    return next((name for name in HEADLINES if name in names), names[0])


def _columns(rows: Sequence[SampleRow], sums: Sequence[str]) -> np.ndarray:
    """Parts and wholes (N, S, 2); 0 and 0 where an expression does not count."""
    return np.array([[row.parts.get(name, (0, 0)) for name in sums] for row in rows], dtype=np.float64)


def _score_lines(
    found: Sequence[tuple[Difference, int]], names: Sequence[str], sums: Sequence[str], columns: Sequence[np.ndarray]
) -> list[ScoreLine]:
    lines = []
    for name, (difference, units) in zip(names, found, strict=True):
        values = _sample_values(name, sums, columns)
        tally = _tally(values, name in sums, len(columns[0]))
        lines.append(ScoreLine(name, difference, np.nan, *tally, units=units))
    return _adjusted(lines)


def _sample_values(name: str, sums: Sequence[str], columns: Sequence[np.ndarray]) -> np.ndarray:
    """Return the score of each expression (2, N), in percent; NaN where it does not count, or for a score of the whole.

    The mean F1 of instances stands for cgF1 and pmF1, and precision for F1@X.
    """
    lead, slash, base = name.rpartition('/')
    stand_in = {'cgF1': 'pMF1', 'pmF1': 'pMF1'}.get(base, base.replace('F1@', 'P@', 1))
    place = next((sums.index(n) for n in (name, f'{lead}{slash}{stand_in}') if n in sums), None)
    if place is None:
        return np.full((2, len(columns[0])), np.nan)
    parts = np.stack([column[:, place] for column in columns])
    return 100 * np.divide(parts[..., 0], parts[..., 1], out=np.full(parts.shape[:2], np.nan), where=parts[..., 1] > 0)


def _tally(values: np.ndarray, of_samples: bool, count: int) -> tuple[int, int | None, int | None, int | None]:
    """Count the expressions that count, and in how many B wins, neither does, and B loses."""
    if not of_samples:
        return count, None, None, None
    changes = values[1] - values[0]
    changes = changes[np.isfinite(changes)]
    wins, losses = int((changes > TIE).sum()), int((changes < -TIE).sum())
    return len(changes), wins, len(changes) - wins - losses, losses


def _adjusted(lines: list[Any]) -> list[Any]:
    """Fill in ``p_holm`` of lines that are read together."""
    adjusted = holm(np.array([line.difference.p_value for line in lines]))
    return [type(line)(**(vars(line) | dict(p_holm=float(p)))) for line, p in zip(lines, adjusted, strict=True)]


def _groups_of(row: SampleRow) -> dict[str, tuple[str, ...]]:
    area = None
    if row.targets and row.size is not None:
        area = row.area * row.size[0] * row.size[1] / row.targets
    facts = row.facts
    groups = expression_groups(row.sentence, area, facts.get('kind'), facts.get('num_distractors'))
    for name in ('expression_type', 'novelty'):
        if facts.get(name):
            groups[name] = (str(facts[name]),)
    groups['targets'] = ('none' if not row.targets else 'one' if row.targets == 1 else 'several',)
    return groups


def _members(groups: Sequence[dict[str, tuple[str, ...]]]) -> list[tuple[str, str, np.ndarray]]:
    """Return aspect, group and the places of its expressions; a group that is alone in its aspect is left out."""
    found = []
    aspects = [*ASPECTS, 'targets', 'expression_type', 'novelty']
    for aspect in aspects:
        names = in_order(list({name for each in groups for name in each.get(aspect, ())}))
        for name in names if len(names) > 1 else ():
            found.append((aspect, name, np.flatnonzero([name in each.get(aspect, ()) for each in groups])))
    return found


def _group_line(difference: Difference, units: int, aspect: str, name: str, values: np.ndarray, size: int) -> GroupLine:
    known = bool(np.isfinite(values).any())
    return GroupLine(name, difference, np.nan, *_tally(values, known, size), units=units, aspect=aspect)


def _sample_lines(
    pairs: Sequence[tuple[SampleRow, SampleRow]], groups: Sequence[dict], values: np.ndarray
) -> list[SampleLine]:
    lines = [
        SampleLine(row, group, float(a), float(b))
        for (row, _), group, a, b in zip(pairs, groups, *values, strict=True)
        if np.isfinite(a) and np.isfinite(b)
    ]
    return sorted(lines, key=lambda line: -round(abs(line.change), 9))


def _notes(first: ScoreTable, second: ScoreTable, pairs: Sequence[tuple[SampleRow, SampleRow]]) -> list[str]:
    notes = []
    ours, theirs = ({name for pair in pairs for name in pair[side].parts if '/IL_' not in name} for side in (0, 1))
    for table, lacks in ((first, ours - theirs), (second, theirs - ours)):
        if lacks:
            notes.append(f'Only {table.name} was scored by {", ".join(sorted(lacks))}; this is not compared.')
    hashes = [(table.about.get('answers') or {}) for table in (first, second)]
    if all(isinstance(h, dict) and h.get('sha256') for h in hashes) and hashes[0]['sha256'] == hashes[1]['sha256']:
        notes.append('Both tables were made from the same file of answers.')
    return notes


def _few_notes(lines: Sequence[ScoreLine], units: int, unit: str) -> list[str]:
    """Say where so few units count that intervals are too narrow, or that there are none."""
    if units < LEAST_UNITS:
        return [f'There are only {units} {unit}s: too few for an interval.']
    if units < FEW_UNITS:
        return [f'There are only {units} {unit}s: intervals of so few are too narrow.']
    few = ', '.join(f'{line.name} ({line.units})' for line in lines if 0 < line.units < FEW_UNITS)
    return [f'Only a few {unit}s count for {few}: intervals of so few are too narrow, or left out.'] if few else []
