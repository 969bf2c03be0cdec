"""A folder that a generator writes: what is complete in it, what was begun, and what may be removed."""

import json
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmvg.checks import check_choice
from mmvg.whole_files import write_whole


class DatasetConflictError(RuntimeError):
    """Raised when the output folder holds something that would be lost.

    Example:
        >>> from mmvg.refshapes import generate
        >>> Path('notes').mkdir()
        >>> Path('notes/todo.txt').touch()
        >>> generate('notes', 'tiny')
        Traceback (most recent call last):
            ...
        mmvg.refshapes.drawn_folder.DatasetConflictError: notes is not empty and was not written by RefShapes ...
    """


@dataclass(frozen=True)
class DrawnFolder:
    """The root folder of a data set that is drawn.

    A stamp, ``<name>.json``, is there if and only if everything that it lists is whole. While formats are written or
    removed, a note, ``.<name>_started.json``, lists them; what is asked for next is drawn together with them.

    Args:
        root: The folder.
        name: Of the data set, such as ``'RefShapes'``.
        parts: Paths below the root of all files and folders that may be written; others are never touched.

    Example:
        >>> folder = DrawnFolder(Path('drawn'), 'Dots', ['dots'])
        >>> folder.claim({'seed': 1})
        ([], [])
        >>> folder.begin({'seed': 1}, ['plain'])
        >>> folder.claim({'seed': 1})
        ([], ['plain'])
        >>> folder.finish({'seed': 1}, ['plain'])
        >>> folder.claim({'seed': 1})
        (['plain'], [])
    """

    root: Path
    name: str
    parts: Sequence[str]

    @property
    def stamp(self) -> Path:
        """The file that says what is complete."""
        return self.root / f'{self.name.lower()}.json'

    @property
    def _begun(self) -> Path:
        return self.root / f'.{self.name.lower()}_started.json'

    def claim(self, about: dict[str, Any], force: bool = False) -> tuple[list[str], list[str]]:
        """Check that the folder may be written, and empty it of another data set of the same name if ``force``.

        Args:
            about: What tells one data set from another: version, seed and the like.
            force: Replace another one.

        Returns:
            The formats of this very data set that are complete, and those that were begun and may be there by half.

        Raises:
            DatasetConflictError: If the folder holds anything else.
        """
        if self.root.exists() and not self.root.is_dir():
            raise DatasetConflictError(f'{self.root} is a file; give a folder with --out')
        begun = self._begun.is_file()
        if not begun and not self.stamp.is_file():
            if self.root.exists() and any(self.root.iterdir()):
                raise DatasetConflictError(
                    f'{self.root} is not empty and was not written by {self.name} (it has no {self.stamp.name}); it '
                    'will not be touched, not even with --force. Choose another folder with --out.'
                )
            return [], []
        found = _read(self._begun if begun else self.stamp)
        formats = found.get('formats', [])
        if {key: found.get(key) for key in about} == about:
            return ([], formats) if begun else (formats, [])
        if not force:
            held = _in_words({key: found[key] for key in about if key in found}) or 'that cannot be read'
            raise DatasetConflictError(
                f'{self.root} holds {self.name} {held}; asked for is {_in_words(about)}. Choose another folder with '
                '--out, or replace it with --force.'
            )
        self.begin({key: found.get(key) for key in about}, formats)
        for path in (self.root / part for part in self.parts):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        return [], []

    def begin(self, about: dict[str, Any], formats: Sequence[str]) -> None:
        """Note that formats are being written, or removed; until :meth:`finish` nothing is complete."""
        write_whole(self._begun, json.dumps(about | {'formats': list(formats)}))
        self.stamp.unlink(missing_ok=True)

    def finish(self, about: dict[str, Any], formats: Sequence[str], **more: Any) -> None:
        """Say that formats, and nothing else, are complete."""
        write_whole(self.stamp, json.dumps(about | {'formats': list(formats)} | more, indent=2) + '\n')
        self._begun.unlink()


def check_drawing(seed: int, formats: Collection[str], known: Collection[str], workers: int | None) -> None:
    """Check what is asked of a generator, before anything is touched.

    Raises:
        ValueError: If the seed is negative, a format is unknown, or there is no format or no worker.

    Example:
        >>> check_drawing(-1, ['refcoco'], ['refcoco'], None)
        Traceback (most recent call last):
        ValueError: the seed must be 0 or more, not -1
    """
    if not formats:
        raise ValueError(f'no format is asked for; there are {", ".join(known)}')
    for name in formats:
        check_choice('formats', name, tuple(known))
    if seed < 0:
        raise ValueError(f'the seed must be 0 or more, not {seed}')
    if workers is not None and workers < 1:
        raise ValueError(f'there must be 1 worker or more, not {workers}')


def _read(file: Path) -> dict[str, Any]:
    """Read a stamp; one that is damaged says nothing."""
    try:
        found = json.loads(file.read_text(encoding='utf-8'))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _in_words(about: dict[str, Any]) -> str:
    return ', '.join(f'{key} {value}' for key, value in about.items())
