"""Scores that are no ratio of sums themselves, but are made of such: cgF1, F1@mIoU, harmonic means."""

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from mmvg.evaluation.functional.bootstrap import ratios

#: Sums that are the raw material of others, and no score that anybody reads.
_RAW = ('IL_TP', 'IL_FP', 'IL_FN', 'IL_TN', 'score_with', 'score_without')
_RAW_LEADS = ('confidence/',)
_SEEN = ('seen', 'unseen')


class CompositeScores:
    """From sums over samples, by name, to the scores that metrics report.

    What :meth:`mmvg.evaluation.GroundingMetric.parts` names is a score of its own, in percent. Beside them stand those
    that are made of several: ``cgF1``, ``pmF1`` and ``IL_MCC``; ``F1@X`` and ``F1@mIoU`` of ``P@X`` and ``R@X``; ``H``
    of ``seen`` and ``unseen``.

    Args:
        sums: Names of the sums, such as ``'gres/gIoU'``.

    Attributes:
        names: Of the scores, in the order in which :meth:`__call__` returns them.
        sources: Of each score, what it needs samples of: groups of places in ``sums``. A sample stands for a group if
            it counts in one of its sums, and a score is as well founded as its scarcest group.

    Example:
        >>> scores = CompositeScores(['instance_f1/P@0.5', 'instance_f1/R@0.5'])
        >>> scores.names
        ['instance_f1/P@0.5', 'instance_f1/R@0.5', 'instance_f1/F1@0.5']
        >>> scores(np.array([[3.0, 4.0], [2.0, 4.0]]))  # part and whole
        array([75., 50., 60.])
    """

    def __init__(self, sums: Sequence[str]) -> None:
        places: dict[str, dict[str, int]] = defaultdict(dict)
        for place, name in enumerate(sums):
            lead, slash, base = name.rpartition('/')
            places[lead + slash][base] = place
        self._plain = [
            (name, place)
            for place, name in enumerate(sums)
            if name.rpartition('/')[2] not in _RAW and not name.startswith(_RAW_LEADS) and 'pmF1@' not in name
        ]
        self._made = [(lead + name, made) for lead, group in places.items() for name, made, _ in _composites(group)]
        self.names = [name for name, _ in (*self._plain, *self._made)]
        self.sources = [[[place]] for _, place in self._plain]
        self.sources += [needed for group in places.values() for _, _, needed in _composites(group)]

    def __call__(self, sums: np.ndarray) -> np.ndarray:
        """Return the scores (..., K) of sums (..., S, 2), in percent, but IL_MCC in [-1, 1]."""
        percents = 100 * ratios(sums)
        columns = [percents[..., [place for _, place in self._plain]]]
        columns += [made(sums, percents)[..., None] for _, made in self._made]
        return np.concatenate(columns, axis=-1)


_Made = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _composites(places: dict[str, int]) -> list[tuple[str, _Made, list[list[int]]]]:
    """Return what the sums of one metric make: name, formula of sums (..., S, 2) and percents (..., S), and sources."""
    made: list[tuple[str, _Made, list[list[int]]]] = []
    micro = [place for name, place in places.items() if name.startswith('pmF1@')]
    if micro:
        cells = [places.get(f'IL_{cell}') for cell in ('TP', 'FP', 'FN', 'TN')]
        tp, fp, fn, tn = ([] if place is None else [place] for place in cells)
        sides = [tp + fn, fp + tn]  # where something is there, and where nothing is
        made += [
            ('cgF1', lambda sums, percents: percents[..., micro].mean(-1) * _matthews(sums, cells), [micro, *sides]),
            ('pmF1', lambda sums, percents: percents[..., micro].mean(-1), [micro]),
            ('IL_MCC', lambda sums, percents: _matthews(sums, cells), sides),
        ]
    pairs = {
        name[2:]: (place, places[f'R@{name[2:]}'])
        for name, place in places.items()
        if name.startswith('P@') and f'R@{name[2:]}' in places
    }
    levels = [pair for at, pair in pairs.items() if at != 'mIoU']
    for at, pair in pairs.items():
        if at in ('0.5', '0.95'):
            made.append(
                (f'F1@{at}', lambda sums, percents, pair=pair: _harmonic(*_columns(percents, pair)), _each(pair))
            )
        elif at == 'mIoU':
            needed = [group for pair in levels for group in _each(pair)]
            made.append(('F1@mIoU', lambda sums, percents: _mean_harmonic(percents, levels), needed))
    if all(name in places for name in _SEEN):
        pair = tuple(places[name] for name in _SEEN)
        made.append(('H', lambda sums, percents: _harmonic(*_columns(percents, pair)), _each(pair)))
    return made


def _each(places: Sequence[int]) -> list[list[int]]:
    """Return each place as a group of its own."""
    return [[place] for place in places]


def _columns(percents: np.ndarray, places: Sequence[int]) -> list[np.ndarray]:
    return [percents[..., place] for place in places]


def _harmonic(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    total = first + second
    with np.errstate(invalid='ignore', divide='ignore'):
        return np.where(total == 0, 0.0, 2 * first * second / total)


def _mean_harmonic(percents: np.ndarray, pairs: Sequence[tuple[int, int]]) -> np.ndarray:
    return np.mean([_harmonic(*_columns(percents, pair)) for pair in pairs], axis=0)


def _matthews(sums: np.ndarray, cells: Sequence[int | None]) -> np.ndarray:
    """Vectorised :func:`matthews` of the counts in the wholes of the cells; one that nobody was in is missing."""
    zero = np.zeros(sums.shape[:-2])
    tp, fp, fn, tn = (zero if place is None else sums[..., place, 1] for place in cells)
    sides = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    mcc = np.divide(tp * tn - fp * fn, np.sqrt(sides), out=zero.copy(), where=sides > 0)
    return np.where((tp + fn > 0) & (tn + fp > 0), mcc, np.nan)
