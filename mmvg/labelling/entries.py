"""What is labelled: pictures of folders, JSON lines and WebDataset tars, one after the other, in an order of their own.

Nothing is held but one entry; names of a folder are sorted on the disk. What is wrong with one entry is part of it, so
that it ends up in the list of failures and ends nothing.
"""

import glob
import heapq
import json
import os
import re
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from mmvg.apis.images import SUFFIXES
from mmvg.apis.questions import check_expressions
from mmvg.datasets.readers import parse_json
from mmvg.foreign_files import name_problem
from mmvg.structures import ID_KEYS

#: Bytes of what a tar says about a picture beside it.
_MAX_TEXT = 1_000_000
_BRACES = re.compile(r'\{(\d+)\.\.(\d+)\}')
_LINES_SUFFIXES = ('.jsonl', '.ndjson', '.json')
_TEXT_SUFFIXES = ('.json', '.txt')
_SURROGATES = re.compile('[\ud800-\udfff]')


@dataclass(frozen=True)
class Entry:
    """One picture.

    Args:
        image: How answers call it: its path below the source, or ``<tar>/<member>``; of tars of one name in several
            folders, with the folders that tell them apart.
        path: The file to read; None if there is nothing to read.
        span: Where in that file it is, begin and length; None for all of it.
        sentences: Its own, if it brings some.
        ids: Its ids in a data set, if it brings some; they come back with the answer to a single sentence of its own.
        error: Why it cannot be asked about.
    """

    image: str
    path: str | None = None
    span: tuple[int, int] | None = None
    sentences: list[str] | None = None
    ids: dict[str, Any] | None = None
    error: str | None = None

    def to_line(self) -> str:
        """Write the entry as a line of JSON."""
        return json.dumps({key: value for key, value in asdict(self).items() if value is not None})

    @classmethod
    def from_line(cls, line: str | bytes) -> 'Entry':
        """Read what :meth:`to_line` wrote."""
        entry = cls(**json.loads(line))
        return entry if entry.span is None else cls(**{**vars(entry), 'span': tuple(entry.span)})


def list_entries(source: str, own_sentences: bool, images: str | Path | None = None) -> Iterator[Entry]:
    """Yield what is below a source.

    Args:
        source: A folder of pictures, with all folders below it; a file of JSON lines (``.jsonl``); a tar, a folder of
            tars, or a pattern of them (``shards/{000..099}.tar``, ``shards/*.tar``).
        own_sentences: Whether the entries have to bring their sentences.
        images: Folder of the pictures that JSON lines name; by default that of the file.

    Raises:
        FileNotFoundError: If there is no such source, or nothing in it.
        ValueError: If it is none of these, a folder holds tars and pictures, pictures of a folder have to bring
            sentences, or ``images`` is given where there are no JSON lines.
    """
    lines = Path(source).suffix.lower() in _LINES_SUFFIXES
    if images is not None and not lines:
        raise ValueError(f'{source}: --images {images} is for JSON lines (.jsonl), which name pictures; leave it out')
    if tars := _tars(source):
        return _of_tars(tars, own_sentences)
    path = Path(source).expanduser()
    if path.is_dir():
        if own_sentences:
            raise ValueError(f'{source}: pictures of a folder bring no sentences; say which to ask, or give JSON lines')
        return _of_folder(path)
    if not path.is_file():
        raise FileNotFoundError(f'{source}: there is no such folder, file or tar')
    if not lines:
        raise ValueError(f'{source}: give a folder of pictures, JSON lines (.jsonl) or tars (.tar)')
    return _of_lines(path, Path(images) if images is not None else path.parent, own_sentences)


def sorted_on_disk(lines: Iterable[str], chunk: int = 100_000) -> Iterator[str]:
    """Yield lines in order; ``chunk`` of them are in memory at a time.

    Args:
        lines: Without line breaks.
        chunk: Lines that are sorted at once.
    """
    lines = iter(lines)
    with tempfile.TemporaryDirectory(prefix='mmvg_list_') as folder:
        parts = []
        while rows := sorted(islice(lines, chunk)):
            parts.append(Path(folder) / str(len(parts)))
            parts[-1].write_text(''.join(f'{row}\n' for row in rows), encoding='utf-8')
        files = [part.open(encoding='utf-8', newline='\n') for part in parts]
        try:
            yield from (line[:-1] for line in heapq.merge(*files))
        finally:
            for file in files:
                file.close()


def _of_folder(root: Path) -> Iterator[Entry]:
    root = root.resolve()
    names = (json.dumps(os.path.relpath(path, root)) for path in _pictures_below(root))  # names may hold line breaks
    empty = True
    for name in map(json.loads, sorted_on_disk(names)):
        empty = False
        yield Entry(_printable(Path(name).as_posix()), os.path.join(root, name))
    if empty:
        raise FileNotFoundError(f'{root}: no picture in it or below; looked for {", ".join(sorted(SUFFIXES))}')


def _pictures_below(folder: Path) -> Iterator[str]:
    """Paths of pictures in a folder and those below, in any order, without hidden ones and links to folders."""
    with os.scandir(folder) as found:
        for entry in found:
            if entry.name.startswith('.'):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _pictures_below(Path(entry.path))
            elif os.path.splitext(entry.name)[1].lower() in SUFFIXES:
                yield entry.path


def _of_lines(file: Path, images: Path, own_sentences: bool) -> Iterator[Entry]:
    images, empty = images.expanduser().resolve(), True
    with file.open('rb') as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                empty = False
                yield _of_line(f'{file.name}, line {number}', line, images, own_sentences)
    if empty:
        raise FileNotFoundError(f'{file}: is empty')


def _of_line(where: str, line: bytes, images: Path, own_sentences: bool) -> Entry:
    try:
        record = parse_json(line.removeprefix(b'\xef\xbb\xbf'))
    except ValueError as error:
        return Entry(where, error=f'no JSON: {error}'[:300])
    image = record.get('image') if isinstance(record, dict) else None
    if not isinstance(image, str) or not image:
        return Entry(where, error='no object with the path of a picture as "image"')
    if problem := name_problem(image, outside=True):
        return Entry(_printable(image), error=f'{where}: the path of the picture {problem}')
    ids = {key: record[key] for key in ID_KEYS if key in record}
    if not all(_is_name(value) if key == 'dataset' else _is_id(value) for key, value in ids.items()):
        return Entry(image, error=f'{where}: ids are whole numbers of 64 bits, and "dataset" a name: {ids!a}'[:300])
    path = Path(os.path.normpath(images / image))
    if path == images or not path.is_relative_to(images):
        return Entry(image, error=f'{where}: the path leads out of {images}')
    return _with_sentences(Entry(image, str(path), ids=ids or None), record, own_sentences, where)


def _is_id(value: Any) -> bool:
    return type(value) is int and -(2**63) <= value < 2**63  # what Parquet can hold


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and not _SURROGATES.search(value)


def _tars(source: str) -> list[Path]:
    """Return the tars that a source means, in order; none if it means something else."""
    found = Path(source).expanduser()
    if found.is_dir():
        tars = sorted(path for path in found.glob('*.tar') if path.is_file())
        if tars and (picture := next(_pictures_below(found), None)):
            raise ValueError(
                f'{source}: holds pictures ({os.path.relpath(picture, found)}) and tars ({tars[0].name}): name the '
                f'tars by a pattern, {source}/*.tar, or move them away'
            )
        return tars
    if match := _BRACES.search(source):
        first, last = match.groups()
        names = [
            f'{source[: match.start()]}{number:0{len(first)}d}{source[match.end() :]}'
            for number in range(int(first), int(last) + 1)
        ]
        if missing := [name for name in names if not os.path.isfile(name)]:
            raise FileNotFoundError(f'{missing[0]}: there is no such tar ({len(missing)} of {len(names)} are missing)')
        return [Path(name) for name in names]
    if glob.has_magic(source) and not found.exists():
        return [Path(name) for name in sorted(glob.glob(source)) if name.endswith('.tar')]
    if found.name.endswith(('.tar.gz', '.tgz', '.tar.bz2', '.tar.xz', '.tar.zst')):
        raise ValueError(f'{source}: is packed; unpack it to a plain .tar, in which pictures can be found again')
    return [found] if found.suffix == '.tar' and found.is_file() else []


def _of_tars(tars: list[Path], own_sentences: bool) -> Iterator[Entry]:
    for tar, name in zip(tars, _names(tars), strict=True):
        empty = True
        try:
            for entry in _of_tar(tar.resolve(), name, own_sentences):
                empty = False
                yield entry
        except (tarfile.TarError, OSError, EOFError) as error:
            yield Entry(name, error=f'the tar is damaged from here on: {error}'[:300])
        else:
            if empty:
                yield Entry(name, error=f'no picture in it; looked for {", ".join(sorted(SUFFIXES))}')


def _names(tars: list[Path]) -> list[str]:
    """What tells tars apart: their names, or else their paths below the folder that they share."""
    names = [tar.name for tar in tars]
    if len(set(names)) < len(names):
        folder = os.path.commonpath([tar.absolute().parent for tar in tars])
        names = [Path(os.path.relpath(tar, folder)).as_posix() for tar in tars]
    return [_printable(name) for name in names]


def _of_tar(path: Path, tar_name: str, own_sentences: bool) -> Iterator[Entry]:
    """Pictures of a tar.

    Where they bring sentences, parts of a sample stand next to each other, under one name up to its first dot.
    """
    sample, picture, text, damage = None, None, {}, None
    try:
        with tarfile.open(path, 'r:') as tar:
            for member in tar:
                tar.members = []  # or all of them are kept
                if not member.isreg() or (key := _key(member.name)) is None:
                    continue
                if own_sentences and key != sample:
                    if picture is not None:
                        yield _with_sentences(picture, text, own_sentences, picture.image)
                    sample, picture, text = key, None, {}
                suffix = PurePosixPath(member.name).suffix.lower()
                if suffix in SUFFIXES:
                    name = _printable(f'{tar_name}/{member.name}')
                    found = Entry(name, str(path), (member.offset_data, member.size))
                    if not own_sentences:
                        yield found
                    elif picture is None:
                        picture = found
                    else:
                        yield Entry(name, error=f'the sample of {picture.image} has its sentences: one picture each')
                elif own_sentences and suffix in _TEXT_SUFFIXES and member.size <= _MAX_TEXT:
                    text |= _text_of(tar.extractfile(member).read(), suffix)
    except (tarfile.TarError, OSError, EOFError) as error:
        damage = error
    if picture is not None:
        yield _with_sentences(picture, text, own_sentences, picture.image)
    if damage is not None:
        raise damage
    with path.open('rb') as file:  # tarfile takes a damaged head for the end, which is a block of zeros
        file.seek(tar.offset)
        if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError(f'no head of a member at byte {tar.offset}')


def _key(name: str) -> str | None:
    """Name of a member up to the first dot of its last part; None for hidden ones."""
    folder, _, last = name.rpartition('/')
    return None if last.startswith('.') else f'{folder}/{last.partition(".")[0]}'


def _text_of(content: bytes, suffix: str) -> dict[str, Any]:
    if suffix == '.txt':
        return dict(expression=content.decode(errors='replace').strip())
    try:
        record = parse_json(content)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def _with_sentences(entry: Entry, record: dict[str, Any], own_sentences: bool, where: str) -> Entry:
    """Give an entry its own sentences, if they are asked."""
    if not own_sentences:
        return entry
    found = next((record[key] for key in ('sentences', 'expressions', 'expression') if key in record), None)
    if found is None:
        return Entry(entry.image, error=f'{where}: no "expression" or "sentences" of its own, and none were given')
    try:
        sentences = check_expressions(found)
    except ValueError as error:
        return Entry(entry.image, error=f'{where}: {error}'[:300])
    return Entry(**{**vars(entry), 'sentences': sentences})


def _printable(name: str) -> str:
    """Return a name as text that can be written, whatever bytes a file system has in it."""
    return _SURROGATES.sub('\N{REPLACEMENT CHARACTER}', name)
