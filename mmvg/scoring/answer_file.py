"""Files of answers of any length: the place of each is kept, in some 30 bytes, and it is read again when asked for."""

import hashlib
import json
import os
from array import array
from collections.abc import Iterator, Mapping
from itertools import product, takewhile
from pathlib import Path
from typing import Any

import numpy as np

from mmvg.datasets.readers import parse_json
from mmvg.foreign_files import foreign_content
from mmvg.scoring.answers import AnswerError
from mmvg.structures import ID_KEYS

_TYPES = {int: 'number', str: 'text'}
#: Examples of a kind that messages name.
EXAMPLES = 5


class AnswerFile:
    """The lines of a file of answers, found by what they answer.

    The file is read once from end to end: every line is checked to be whole, its place is kept, and its SHA-256 is
    made. Answers are told apart by the ids that the first one carries (``dataset``, ``img_id``, ``ref_id``,
    ``sent_id``, or some of them), or else by the name of the picture and the sentence, and by the path of the picture
    where several have that name.

    Args:
        path: JSON lines. The first may be ``{"declaration": {...}}``, see :mod:`mmvg.scoring.declaration`.

    Attributes:
        declaration: What the first line declares.
        question: The keys that tell answers apart.
        sha256: Of the bytes of the file.
        doubles: Places of answers to what an earlier line answers.

    Raises:
        FileNotFoundError: If there is no such file.
        AnswerError: If it is empty or something else, or a line is not whole or names no question; names the line.

    Example:
        >>> import tempfile
        >>> path = tempfile.mkdtemp() + '/a.jsonl'
        >>> with open(path, 'w') as file:
        ...     _ = file.write('{"sent_id": 7, "boxes": [[1, 2, 3, 4]]}')
        >>> answers = AnswerFile(path)
        >>> answers.question, answers.find((7,))
        (('sent_id',), (0, 1, {'sent_id': 7, 'boxes': [[1, 2, 3, 4]]}))
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise FileNotFoundError(f'{self.path}: there is no such file of answers')
        self.declaration: dict[str, Any] = {}
        self.question: tuple[str, ...] = ()
        self._offsets, self._lines, hashes = array('q'), array('l'), array('Q')
        digest = hashlib.sha256()
        with self.path.open('rb') as file:
            offset = 0
            for number, line in enumerate(file, start=1):
                digest.update(line)
                self._index(line, number, offset, hashes)
                offset += len(line)
        self.sha256 = digest.hexdigest()
        if not self._offsets:
            raise AnswerError(f'{self.path}: no answer in it')
        made = np.frombuffer(hashes, dtype=np.uint64)
        self._order = np.argsort(made, kind='stable').astype(np.int64 if len(made) >= 2**31 else np.int32)
        self._hashes = made[self._order]
        self._file: Any = None
        self._opened_by = 0
        self.doubles = sorted(self._find_doubles())

    def __len__(self) -> int:
        return len(self._offsets)

    def __getstate__(self) -> dict[str, Any]:
        return dict(vars(self), _file=None)  # each process opens the file itself

    def where(self, place: int) -> str:
        """Say file and line of the answer at a place, for messages."""
        return f'{self.path.name}, line {self._lines[place]}'

    def find(self, question: tuple, image: str = '') -> tuple[int, int, dict[str, Any]] | None:
        """Return place, line and record of the first answer to a question; None if there is none.

        Args:
            question: The values of the keys ``question``; of a picture its file name.
            image: Path of the picture; of answers about pictures of one name, the one counts whose path ends alike.

        Raises:
            AnswerError: If several are about pictures of that name, and which one is meant cannot be told.
        """
        code = _code(question)
        start = int(np.searchsorted(self._hashes, code))
        found = []
        while start < len(self) and self._hashes[start] == code:
            place = int(self._order[start])
            record = self.record(place)
            if self._question_of(record) == question:  # not another one with the same code
                found.append((place, self._lines[place], record))
                if not self.by_image:
                    break
            start += 1
        return self._nearest(found, image) if len(found) > 1 else found[0] if found else None

    @property
    def by_image(self) -> bool:
        """Whether answers are told apart by picture and sentence."""
        return self.question[:1] == ('image',)

    def of_other_type(self, ids: Mapping[str, Any]) -> str:
        """Say where there is an answer with these ids but for their type, a number or a text; empty if there is none.

        Args:
            ids: Of an expression that has no answer.
        """
        if self.by_image:
            return ''
        asked = [ids[key] for key in self.question]
        for values in product(*([value, *_other_types(value)] for value in asked)):
            if (found := self.find(values)) is not None:
                pairs = zip(self.question, values, asked, strict=True)
                key, theirs, ours = next(each for each in pairs if type(each[1]) is not type(each[2]))
                return (
                    f'line {found[1]} has {key}={theirs!r}, which is a {_TYPES[type(theirs)]}, where the data has the '
                    f'{_TYPES[type(ours)]} {ours!r}'
                )
        return ''

    def record(self, place: int) -> dict[str, Any]:
        """Read the record at a place."""
        if self._file is None or self._opened_by != os.getpid():  # forked processes would share one offset
            self._file, self._opened_by = self.path.open('rb'), os.getpid()
        self._file.seek(self._offsets[place])
        return json.loads(self._file.readline())

    def question_at(self, place: int) -> str:
        """Say what the answer at a place answers, for messages."""
        values = self._question_of(self.record(place))
        return ' '.join(f'{key}={value!r}' for key, value in zip(self.question, values, strict=True))

    def question_for(self, ids: Mapping[str, Any], image: str, sentence: str) -> tuple:
        """Return what the answer to an expression of the data is found by."""
        facts = {**ids, 'image': Path(image).name, 'expression': sentence}
        return tuple(facts[key] for key in self.question)

    def _index(self, line: bytes, number: int, offset: int, hashes: array) -> None:
        """Note the place of a line, and the code of what it answers."""
        where = f'{self.path.name}, line {number}'
        if number == 1:
            line = line.removeprefix(b'\xef\xbb\xbf')
            if (foreign := foreign_content(line[:256])) is not None and line.strip():
                raise AnswerError(f'{self.path}: the file is {foreign}')
        if not line.strip():
            return
        try:
            record = parse_json(line)
        except ValueError as error:
            raise AnswerError(
                f'{where}: not whole JSON ({error}): write one record per line; was the file cut off?'
            ) from None
        if not isinstance(record, dict):
            raise AnswerError(f'{where}: a {type(record).__name__}, not an object: write one record per line')
        if 'declaration' in record and not self._offsets:
            self.declaration = self._declared(record, where)
            return
        if not self.question:
            self.question = _question_keys(record, where)
        if missing := [key for key in self.question if key not in record]:
            raise AnswerError(f'{where}: {missing[0]} is missing, by which the first answer says what it answers')
        hashes.append(_code(self._question_of(record)))
        self._offsets.append(offset)
        self._lines.append(number)

    def _declared(self, record: dict[str, Any], where: str) -> dict[str, Any]:
        if not isinstance(record['declaration'], dict) or len(record) > 1:
            raise AnswerError(
                f'{where}: write {{"declaration": {{"unit": "pixel", "rule": "first"}}}} and nothing else'
            )
        return record['declaration']

    def _question_of(self, record: Mapping[str, Any]) -> tuple:
        return tuple(Path(str(record[key])).name if key == 'image' else record[key] for key in self.question)

    def _find_doubles(self) -> Iterator[int]:
        same = np.flatnonzero(self._hashes[1:] == self._hashes[:-1])
        seen: set[str] = set()
        for position in same.tolist():
            first, second = (int(self._order[n]) for n in (position, position + 1))
            seen.add(self._told_apart_by(first))
            key = self._told_apart_by(second)
            if key in seen:
                yield second
            seen.add(key)

    def _told_apart_by(self, place: int) -> str:
        """Return what is asked at a place, with the path of the picture rather than its name, as text."""
        record = self.record(place)
        path = Path(str(record['image'])).parts if self.by_image else ()
        return json.dumps([*self._question_of(record), path])

    def _nearest(self, found: list[tuple[int, int, dict[str, Any]]], image: str) -> tuple[int, int, dict[str, Any]]:
        """Return the first of several answers about the picture whose path ends as ``image`` does for longest."""
        paths = [Path(str(record['image'])).parts for *_, record in found]
        lengths = [_common_end(path, Path(image).parts) for path in paths]
        best = {path for path, length in zip(paths, lengths, strict=True) if length == max(lengths)}
        if len(best) > 1:
            raise AnswerError(
                f'{self.path.name}, lines {", ".join(str(line) for _, line, _ in found[:EXAMPLES])}: several pictures '
                f'are called {Path(image).name}, and which one is {image} cannot be told: write ids or full paths'
            )
        return found[lengths.index(max(lengths))]


def _question_keys(record: Mapping[str, Any], where: str) -> tuple[str, ...]:
    """Return the keys by which a file says what its answers are about."""
    if ids := tuple(key for key in ID_KEYS if key in record):
        return ids
    if 'image' in record and 'expression' in record:
        return 'image', 'expression'
    raise AnswerError(
        f'{where}: it does not say what it answers: write the ids of the expression ({", ".join(ID_KEYS)}, or those '
        'that tell it from all others), or image and expression'
    )


def _common_end(first: tuple[str, ...], second: tuple[str, ...]) -> int:
    """Count the last parts of two paths that are the same.

    >>> _common_end(('a', 's1', '1.png'), ('b', 's1', '1.png'))
    2
    """
    pairs = zip(reversed(first), reversed(second), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _other_types(value: Any) -> list[Any]:
    """Return a number as text, or digits as a number.

    >>> _other_types(7), _other_types('7'), _other_types('refcoco')
    (['7'], [7], [])
    """
    if isinstance(value, str):
        return [int(value)] if value.isascii() and value.isdigit() and len(value) < 20 else []
    return [str(value)] if isinstance(value, int) and not isinstance(value, bool) else []


def _code(question: tuple) -> int:
    """Return 64 bits of a hash of what is asked, the same in every process."""
    text = json.dumps(question, separators=(',', ':')).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), 'little')
