"""The newest checkpoint of a run, also where its folder was moved or the run ended while it wrote."""

import re
from collections.abc import Callable
from pathlib import Path

from mmvg.weights.errors import CheckpointError
from mmvg.weights.integrity import find_damage

#: Where MMEngine notes the path of the checkpoint that it wrote last.
NOTE = 'last_checkpoint'


def noted_checkpoint(note: Path) -> Path:
    """Return the checkpoint that a ``last_checkpoint`` names: the one beside it, for the folder may have been moved.

    Args:
        note: The file that names it.

    Raises:
        CheckpointError: If what it holds is the name of no file.

    Example:
        >>> _ = Path('last_checkpoint').write_text('/elsewhere/iter_4.pth')
        >>> Path('iter_4.pth').touch()
        >>> noted_checkpoint(Path('last_checkpoint'))
        PosixPath('iter_4.pth')
    """
    try:
        noted = Path(note.read_text(encoding='utf-8').strip())
        beside = note.parent / noted.name
        noted.is_file()  # which raises where it can be no name
        return beside if beside.is_file() else noted
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise CheckpointError(f'{note}: names no checkpoint ({reason}); give the checkpoint itself') from error


def latest_checkpoint(folder: str | Path, report: Callable[[str], None] | None = None) -> Path | None:
    """Return the checkpoint to resume from, or None if there is none.

    It is the one that ``last_checkpoint`` names, or else that of the highest iteration or epoch, and where there are
    both, the one that was written last; one that is cut off or damaged, as a full disk or a crash leaves it, is passed
    over.

    Args:
        folder: The work dir of a run.
        report: Called with a sentence for each checkpoint that is passed over.

    Example:
        >>> latest_checkpoint('work_dirs/never_run') is None
        True
    """
    folder = Path(folder)
    note = folder / NOTE
    noted = []
    try:
        noted = [noted_checkpoint(note)] if note.is_file() else []
    except CheckpointError as error:
        if report is not None:
            report(f'{error}; it is passed over')
    for path in dict.fromkeys([*noted, *_newest_first(folder)]):
        if not path.is_file():
            continue
        damage = find_damage(path) if path.stat().st_size else 'is empty'
        if damage is None and _is_archive(path):
            return path
        if report is not None:
            report(f'{path} {damage or "is no checkpoint of torch.save"}, and is passed over')
    return None


def _newest_first(folder: Path) -> list[Path]:
    found = {path: re.fullmatch(r'(iter|epoch)_(\d+)\.pth', path.name) for path in folder.glob('*.pth')}
    found = {path: match for path, match in found.items() if match}
    mixed = len({match[1] for match in found.values()}) > 1  # iterations and epochs cannot be compared
    return sorted(found, key=lambda path: (path.stat().st_mtime_ns if mixed else 0, int(found[path][2])), reverse=True)


def _is_archive(path: Path) -> bool:
    with path.open('rb') as file:
        return file.read(2) == b'PK'
