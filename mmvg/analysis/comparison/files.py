"""Write a comparison: a page, and tables that other programs read."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from mmvg.analysis.comparison.compare import Comparison, GroupLine, ScoreLine
from mmvg.analysis.comparison.page import comparison_page
from mmvg.whole_files import write_whole

_NUMBERS = ['A', 'B', 'B - A', 'low', 'high', 'p', 'p (Holm)', 'expressions', 'B wins', 'ties', 'B loses']


def write_comparison(
    comparison: Comparison, folder: str | Path, pictures: Mapping[tuple, list[str]] | None = None, num: int = 24
) -> list[Path]:
    """Write ``index.html``, ``scores.csv``, ``groups.csv`` and ``samples.csv`` (all expressions).

    Args:
        comparison: What to write.
        folder: Where; it is made.
        pictures: See :func:`comparison_page`.
        num: How many samples the page shows.

    Returns:
        The files.

    Example:
        >>> from mmvg.analysis.comparison import ScoreTable, compare_tables
        >>> from mmvg.scoring import SampleRow
        >>> row = SampleRow(dict(dataset='a', img_id=1, ref_id=1, sent_id=1), 'the mug', parts={'rec/P@0.5': (1, 1)})
        >>> found = compare_tables(ScoreTable('LAVT', [row]), ScoreTable('MagNet', [row]), resamples=100)
        >>> [path.name for path in write_comparison(found, 'out')]
        ['index.html', 'scores.csv', 'groups.csv', 'samples.csv']
    """
    folder = Path(folder)
    scores = [[line.name, *_numbers(line)] for line in comparison.scores]
    groups = [[line.aspect, line.name, *_numbers(line)] for line in comparison.groups]
    samples = [
        [
            *line.row.key,
            line.row.sentence,
            line.row.image or '',
            line.row.targets,
            *('+'.join(line.groups.get(aspect, ())) for aspect in ('kind', 'words', 'distractors', 'size')),
            *(f'{value:.6g}' for value in (line.first, line.second, line.change)),
        ]
        for line in comparison.samples
    ]
    ids = list(comparison.samples[0].row.id) if comparison.samples else []
    about = ['sentence', 'image', 'targets', 'kind', 'words', 'distractors', 'size', 'A', 'B', 'B - A']
    files = {
        'index.html': comparison_page(comparison, pictures or {}, num),
        'scores.csv': _csv(['score', *_NUMBERS], scores),
        'groups.csv': _csv(['by', 'group', *_NUMBERS], groups),
        'samples.csv': _csv([*ids, *about], samples),
    }
    for name, text in files.items():
        write_whole(folder / name, text)
    return [folder / name for name in files]


def _numbers(line: ScoreLine | GroupLine) -> list[str]:
    found = line.difference
    values = (found.first, found.second, found.second - found.first, found.low, found.high, found.p_value, line.p_holm)
    counts = ('' if number is None else str(number) for number in (line.wins, line.ties, line.losses))
    return [*(f'{value:.6g}' for value in values), str(line.count), *counts]


def _csv(header: list[str], rows: list[list]) -> str:
    text = io.StringIO(newline='')
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
