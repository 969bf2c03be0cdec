"""The folder of a labelling: what is to be done, and what is done, so that any end leaves something to go on from.

::

    run.json            the settings, and where each shard begins in the listing
    listing.jsonl       the pictures, fixed when the run began
    jsonl/, parquet/    the answers of each shard
    done/               written behind them: counts, failures and checksums of a shard
    failed.jsonl        all failures, and manifest.json, all counts and checksums; written at the end

Every file appears when it is whole. A shard is done when its note in ``done/`` is there and the checksums agree.
"""

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mmvg.labelling.entries import Entry
from mmvg.whole_files import UNFINISHED, remove_unfinished, sha256_of, whole_file, write_whole

VERSION = 1
KINDS = ('jsonl', 'parquet')


@dataclass(frozen=True)
class ShardNote:
    """What came of a shard.

    Args:
        shard: Its number.
        pictures: Pictures that it has.
        answers: Answers about them.
        failed: What failed, each with ``image``, ``error``, and ``expression`` if only that one did.
        files: Path below the folder -> ``bytes`` and ``sha256``.
    """

    shard: int
    pictures: int
    answers: int
    failed: list[dict[str, Any]]
    files: dict[str, dict[str, Any]] = field(default_factory=dict)


class RunFolder:
    """A labelling that was begun.

    Args:
        folder: With ``run.json``.

    Raises:
        ValueError: If it was written by another version.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        content = json.loads((self.folder / 'run.json').read_text(encoding='utf-8'))
        if content['version'] != VERSION:
            raise ValueError(f'{folder}: was begun by another version of mmvg label; take another folder')
        self.settings: dict[str, Any] = content['settings']
        self.pictures: int = content['pictures']
        self._starts: list[int] = content['starts']

    def __len__(self) -> int:
        """Return the number of shards."""
        return len(self._starts)

    def entries(self, shard: int) -> list[Entry]:
        """Return the pictures of a shard."""
        with (self.folder / 'listing.jsonl').open('rb') as file:
            file.seek(self._starts[shard])
            lines = (file.readline() for _ in range(self.pictures_of(shard)))
            return [Entry.from_line(line) for line in lines]

    def pictures_of(self, shard: int) -> int:
        """Return how many pictures a shard has."""
        size = self.settings['shard_size']
        return min(size, self.pictures - shard * size)

    def file(self, kind: str, shard: int) -> Path:
        """Return the file of a shard: ``kind`` is one of ``KINDS``, or ``'done'``."""
        return self.folder / kind / f'shard-{shard:06d}.{"json" if kind == "done" else kind}'

    def note(self, note: ShardNote) -> ShardNote:
        """Write down that a shard is done, with the checksums of its files."""
        paths = [self.file(kind, note.shard) for kind in KINDS]
        files = {
            path.relative_to(self.folder).as_posix(): dict(bytes=path.stat().st_size, sha256=sha256_of(path))
            for path in paths
        }
        note = ShardNote(**{**vars(note), 'files': files})
        write_whole(self.file('done', note.shard), json.dumps(asdict(note)) + '\n')
        return note

    def done(self, shard: int) -> ShardNote | None:
        """Return the note of a shard if it is done, and its files are those that were noted."""
        path = self.file('done', shard)
        if not path.is_file():
            return None
        try:
            note = ShardNote(**json.loads(path.read_text(encoding='utf-8')))
            whole = all(sha256_of(self.folder / name) == about['sha256'] for name, about in note.files.items())
        except (OSError, ValueError, TypeError, KeyError):
            whole = False
        if not whole:
            logging.getLogger(__name__).warning('%s: a file of this shard is damaged or gone; it is done again', path)
        return note if whole else None

    def forget_failures(self) -> int:
        """Have the shards with failures done again; returns how many there are."""
        failed = [note.shard for note in self.notes() if note.failed]
        for shard in failed:
            self.file('done', shard).unlink()
        return len(failed)

    def notes(self) -> Iterator[ShardNote]:
        """Yield the notes of all shards that are done, without looking at their files."""
        for shard in range(len(self)):
            if (path := self.file('done', shard)).is_file():
                yield ShardNote(**json.loads(path.read_text(encoding='utf-8')))

    def clean(self) -> None:
        """Remove what killed workers left; none may be writing."""
        for kind in (*KINDS, 'done'):
            (self.folder / kind).mkdir(exist_ok=True)
            remove_unfinished(self.folder / kind)
        for path in self.folder.glob(f'*.*{UNFINISHED}'):
            path.unlink(missing_ok=True)

    def finish(self) -> dict[str, int]:
        """Write ``failed.jsonl`` and ``manifest.json``; returns the counts."""
        counts = dict(shards=0, pictures=0, answers=0, failed=0)
        with ExitStack() as files:
            failed, manifest = (
                files.enter_context(files.enter_context(whole_file(self.folder / name)).open('w', encoding='utf-8'))
                for name in ('failed.jsonl', 'manifest.json')
            )
            manifest.write(json.dumps(dict(version=VERSION, settings=self.settings))[:-1] + ', "files": {')
            for number, note in enumerate(self.notes()):
                failed.writelines(json.dumps(row) + '\n' for row in note.failed)
                counts['shards'] += 1
                counts['pictures'] += note.pictures
                counts['answers'] += note.answers
                counts['failed'] += len(note.failed)
                manifest.write((',\n' if number else '\n') + json.dumps(note.files)[1:-1])
            manifest.write('},\n' + json.dumps(counts)[1:] + '\n')
        return counts


def begin(folder: str | Path, settings: dict[str, Any], list_all: Callable[[], Iterator[Entry]]) -> RunFolder:
    """Open a run, or begin it: fix its pictures and its settings. One of which no shard is done may begin anew.

    Args:
        folder: Where it is, or will be.
        settings: What decides about the answers; ``shard_size`` among them.
        list_all: Yields the pictures; called if the run is new.

    Raises:
        ValueError: If the run that is there has other settings, or the folder holds something else.
    """
    folder = Path(folder)
    if (folder / 'run.json').is_file():
        run = RunFolder(folder)
        if run.settings == settings or next(run.notes(), None) is not None:
            _check_same(folder, run.settings, settings)
            return run
        run.clean()
        for kind in (*KINDS, 'done'):
            for path in (folder / kind).iterdir():
                path.unlink()
            (folder / kind).rmdir()
        (folder / 'run.json').unlink()
    folder.mkdir(parents=True, exist_ok=True)
    if found := [path.name for path in folder.iterdir() if not path.name.startswith(('.', 'listing.jsonl'))]:
        raise ValueError(f'{folder}: holds {sorted(found)[0]!r} and no run of mmvg label; take another folder')
    starts, count = [], 0
    with whole_file(folder / 'listing.jsonl') as path, path.open('wb') as file:
        for count, entry in enumerate(list_all(), start=1):
            if (count - 1) % settings['shard_size'] == 0:
                starts.append(file.tell())
            file.write(entry.to_line().encode() + b'\n')
    content = dict(version=VERSION, settings=settings, pictures=count, starts=starts)
    write_whole(folder / 'run.json', json.dumps(content) + '\n')
    return RunFolder(folder)


def _check_same(folder: Path, there: dict[str, Any], asked: dict[str, Any]) -> None:
    same_weights = there.get('weights') is not None and there.get('weights') == asked.get('weights')
    for key in sorted((there.keys() | asked.keys()) - ({'model'} if same_weights else set())):
        before, now = _shown(there.get(key)), _shown(asked.get(key))
        if there.get(key) != asked.get(key):
            raise ValueError(
                f'{folder}: holds a run with another {key}: {before}, now {now}. Give the same to go on, or another '
                '--out to begin anew'
            )


def _shown(value: Any) -> str:
    text = (
        f'{len(value)} ({value[0]!r}, ...)'
        if isinstance(value, Sequence) and not isinstance(value, str) and value
        else repr(value)
    )
    return text[:200]
