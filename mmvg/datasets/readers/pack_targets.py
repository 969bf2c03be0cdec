"""What may be replaced by a pack: another pack, and nothing else."""

import os
import re
from pathlib import Path

#: Names of the files in a folder of tars.
TAR_FILES = re.compile(r'index\.json|names\.npy|places\.npy|pictures-\d{6}\.tar')
_LMDB_MAGIC, _LMDB_OFFSET = b'\xde\xc0\xef\xbe', 16


def check_pack_target(out: Path, folder: bool, force: bool) -> None:
    """Check that a pack can be written, before anything is read.

    Args:
        out: Where; what stands there may be damaged, but must be a pack of the same kind.
        folder: Whether it is a folder of tars, and not an LMDB file.
        force: Whether a pack that is there may be replaced.

    Raises:
        FileExistsError: If something is there and may not be replaced.

    Example:
        >>> check_pack_target(Path('data/refshapes'), folder=True, force=True)
        Traceback (most recent call last):
            ...
        FileExistsError: data/refshapes is there and is no folder of tars that could be replaced; name another place ...
    """
    if not os.path.lexists(out):
        return
    if not (_is_folder_of_tars(out) if folder else _is_lmdb_file(out)):
        kind = 'folder of tars' if folder else 'LMDB file'
        raise FileExistsError(f'{out} is there and is no {kind} that could be replaced; name another place with --out')
    if not force:
        raise FileExistsError(f'{out} is there already; use --force to write it again')


def _is_folder_of_tars(path: Path) -> bool:
    """Whether a folder, which is not the one that the process works in, has no other files than a pack."""
    if not path.is_dir() or path.samefile('.'):
        return False
    with os.scandir(path) as entries:
        return all(entry.is_file(follow_symlinks=False) and TAR_FILES.fullmatch(entry.name) for entry in entries)


def _is_lmdb_file(path: Path) -> bool:
    if not path.is_file():
        return False
    if path.suffix == '.lmdb':
        return True
    with path.open('rb') as file:
        return file.read(_LMDB_OFFSET + len(_LMDB_MAGIC)).endswith(_LMDB_MAGIC)
