"""What each expression adds to each score, as JSON lines: the table from which two models are compared.

The first line is about the file: ``version``, ``protocol`` (name and settings), ``declaration``, ``data`` and
``answers`` (each with a SHA-256), and ``scores``, the numbers of all expressions together, in percent. Every other line
is an expression::

    {"id": {"dataset": "refcoco", "img_id": 7, "ref_id": 3, "sent_id": 12}, "sentence": "the red mug on the left",
     "image": "7.jpg", "size": [480, 640], "targets": 1, "area": 0.08, "facts": {},
     "parts": {"rec/P@0.5": [1, 1], "res/oIoU": [812, 1033]}}

``parts`` has a numerator and a denominator by score: a score is 100 times the sum of the numerators over the sum of the
denominators. Means over expressions have denominators of 1, overall IoU has those of the pixels, and an expression that
does not count for a score does not name it. So any selection of expressions, and any draw with replacement, can be
scored from the table alone.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import IO, Any

from mmvg.datasets.readers import parse_json
from mmvg.whole_files import whole_file

#: Of the format of the file.
PER_SAMPLE_VERSION = 1


@dataclass(frozen=True)
class SampleRow:
    """What one expression adds.

    Args:
        id: ``dataset``, ``img_id``, ``ref_id`` and ``sent_id``.
        sentence: The expression.
        image: Path of the picture as the data names it.
        size: (height, width) of the picture, in pixels.
        targets: Number of true objects; 0 if nothing is meant.
        area: Share of the picture in [0, 1] that the true masks cover, or the true boxes where there are no masks.
        facts: What else the data says of the expression, such as ``expression_type``.
        parts: Score -> (numerator, denominator).

    Example:
        >>> SampleRow(dict(dataset='a', img_id=1, ref_id=1, sent_id=1), 'the mug', parts={'rec/P@0.5': (1, 1)}).key
        ('a', 1, 1, 1)
    """

    id: Mapping[str, Any]
    sentence: str
    image: str | None = None
    size: tuple[int, int] | None = None
    targets: int = 0
    area: float = 0.0
    facts: Mapping[str, Any] = field(default_factory=dict)
    parts: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def key(self) -> tuple:
        """The ids as a tuple, by which the rows of two models are paired."""
        return tuple(self.id.values())


class PerSampleWriter:
    """Writes the table as its rows come; the first line, which is known last, is put before them in the end.

    Args:
        path: The file, whose folder is made; None writes nothing.

    Example:
        >>> import tempfile
        >>> row = SampleRow(dict(dataset='a', img_id=1, ref_id=1, sent_id=1), 'the mug', parts={'rec/P@0.5': (1, 1)})
        >>> path = tempfile.mkdtemp() + '/rows.jsonl'
        >>> with PerSampleWriter(path) as table:
        ...     table.add([row])
        ...     table.finish(dict(protocol=dict(name='rec')))
        >>> read_per_sample(path)[1][0] == row
        True
    """

    def __init__(self, path: str | Path | None) -> None:
        self.path = None if path is None else Path(path)
        self._rows: IO[str] | None = None

    def __enter__(self) -> 'PerSampleWriter':
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._rows = TemporaryFile('w+', encoding='utf-8', dir=self.path.parent)
        return self

    def __exit__(self, *error: Any) -> None:
        if self._rows is not None:
            self._rows.close()

    def add(self, rows: Iterable[SampleRow]) -> None:
        """Add rows."""
        if self._rows is not None:
            self._rows.writelines(json.dumps(vars(row)) + '\n' for row in rows)

    def finish(self, about: Mapping[str, Any]) -> None:
        """Write the file: ``about``, then all rows."""
        if self._rows is None:
            return
        self._rows.seek(0)
        with whole_file(self.path) as unfinished, unfinished.open('w', encoding='utf-8') as file:
            file.write(json.dumps(dict(version=PER_SAMPLE_VERSION, **about)) + '\n')
            copyfileobj(self._rows, file)


def write_per_sample(path: str | Path, about: Mapping[str, Any], rows: Iterable[SampleRow]) -> int:
    """Write a whole table, and return the number of its rows.

    Example:
        >>> import tempfile
        >>> row = SampleRow(dict(dataset='a', img_id=1, ref_id=1, sent_id=1), 'the mug', parts={'rec/P@0.5': (1, 1)})
        >>> write_per_sample(tempfile.mkdtemp() + '/rows.jsonl', dict(protocol=dict(name='rec')), [row])
        1
    """
    rows = list(rows)
    with PerSampleWriter(path) as table:
        table.add(rows)
        table.finish(about)
    return len(rows)


def read_per_sample(path: str | Path) -> tuple[dict[str, Any], list[SampleRow]]:
    """Read what :class:`PerSampleWriter` wrote.

    Returns:
        The first line, and the rows in the order of the file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is something else, of another version, or cut off; names the line.
    """
    with Path(path).open(encoding='utf-8') as file:
        lines = _objects(path, file)
        about = next(lines, None)
        if about is None or about.get('version') != PER_SAMPLE_VERSION or 'protocol' not in about:
            raise ValueError(
                f'{path}: line 1 does not begin a table of version {PER_SAMPLE_VERSION}; '
                'mmvg score --per-sample FILE writes one'
            )
        return about, [_row(path, number, record) for number, record in enumerate(lines, start=2)]


def _objects(path: str | Path, lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, start=1):
        try:
            record = parse_json(line)
        except ValueError as error:
            raise ValueError(f'{path}: line {number} is not whole JSON ({error}): write the file again') from error
        if not isinstance(record, dict):
            raise ValueError(f'{path}: line {number} is not an object: write the file again')
        yield record


def _row(path: str | Path, number: int, record: dict[str, Any]) -> SampleRow:
    try:
        size = None if record.get('size') is None else tuple(record['size'])
        parts = {name: (part[0], part[1]) for name, part in record['parts'].items()}
        return SampleRow(**(record | dict(size=size, parts=parts)))
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(f'{path}: line {number} is no row of scores: {type(error).__name__}: {error}') from error
