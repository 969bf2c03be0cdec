"""The newest checkpoint of a run, also where its folder was moved or the run ended while it wrote."""

import re
import zipfile
from pathlib import Path

#: Where MMEngine notes the path of the checkpoint that it wrote last.
NOTE = 'last_checkpoint'


def noted_checkpoint(note: Path) -> Path:
    """Return the checkpoint that a ``last_checkpoint`` names: the one beside it, for the folder may have been moved.

    Args:
        note: The file that names it.

    Example:
        >>> _ = Path('last_checkpoint').write_text('/elsewhere/iter_4.pth')
        >>> Path('iter_4.pth').touch()
        >>> noted_checkpoint(Path('last_checkpoint'))
        PosixPath('iter_4.pth')
    """
    noted = Path(note.read_text(encoding='utf-8').strip())
    beside = note.parent / noted.name
    return beside if beside.is_file() else noted


def latest_checkpoint(folder: str | Path) -> Path | None:
    """Return the checkpoint to resume from, or None if there is none.

    It is the one that ``last_checkpoint`` names, or else that of the highest iteration or epoch; one that is cut off,
    as a full disk or a crash leaves it, is passed over.

    Args:
        folder: The work dir of a run.

    Example:
        >>> latest_checkpoint('work_dirs/never_run') is None
        True
    """
    folder = Path(folder)
    note = folder / NOTE
    noted = [noted_checkpoint(note)] if note.is_file() else []
    numbers = {path: re.fullmatch(r'(?:iter|epoch)_(\d+)\.pth', path.name) for path in folder.glob('*.pth')}
    written = sorted((path for path in numbers if numbers[path]), key=lambda path: int(numbers[path][1]), reverse=True)
    return next((path for path in [*noted, *written] if path.is_file() and zipfile.is_zipfile(path)), None)
