"""Limits for files of ``torch.save``, checked by reading their pickles as lists of instructions, none of which is run.

``torch.load(weights_only=True)`` builds nothing harmful, but lets a small file fill the memory before it says so: an
archive that unpacks to gigabytes, an instruction that makes an array of any length.
"""

import pickletools
import zipfile
from pathlib import Path
from typing import IO

from mmvg.weights.errors import CheckpointError

#: Instructions of a pickle; a checkpoint of 2,000 tensors with the state of its optimizer has 300,000.
MAX_INSTRUCTIONS = 3_000_000
#: Pickles at the beginning of a file in PyTorch's first format: magic number, version, system, content, storages.
_OLD_PICKLES = 5
#: Allowed by PyTorch, needed by no checkpoint, and able to fill the memory with one instruction.
_HUNGRY = ('__builtin__ bytearray', 'builtins bytearray', 'torch.storage UntypedStorage', 'torch.storage TypedStorage')
#: Encodings that ``_codecs.encode`` takes time without end for; NumPy uses latin1.
_SLOW = ('punycode', 'idna')


def check_pickles(path: Path) -> None:
    """Check that a file of ``torch.save`` can be read within bounds of memory and time.

    Args:
        path: A file that is there.

    Raises:
        CheckpointError: If it is compressed, which PyTorch never does, has too many instructions, or makes something
            large out of nothing.

    Example:
        >>> import torch
        >>> torch.save(dict(weight=torch.ones(2)), 'linear.pth')
        >>> check_pickles(Path('linear.pth'))
    """
    if zipfile.is_zipfile(path):
        try:
            archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, ValueError):  # damaged, which is told elsewhere
            return
        with archive:
            _check_archive(archive, path)
        return
    with path.open('rb') as file:
        for _ in range(_OLD_PICKLES):
            if not _check(file, path):
                return


def _check_archive(archive: zipfile.ZipFile, path: Path) -> None:
    pickles = [entry for entry in archive.infolist() if entry.filename.endswith('/data.pkl')]
    packed = [entry.filename for entry in archive.infolist() if entry.compress_type != zipfile.ZIP_STORED]
    if pickles and packed:  # without pickles it is another archive, which is told elsewhere
        raise CheckpointError(
            f'{path}: {packed[0]} in it is compressed, as PyTorch never writes it and a bomb would be; pack it again '
            'without compression'
        )
    if pickles and sum(entry.file_size for entry in archive.infolist()) > path.stat().st_size:
        raise CheckpointError(f'{path}: its parts lie over each other in the file, as those of a bomb do')
    for entry in pickles:
        try:
            with archive.open(entry) as file:
                _check(file, path)
        except zipfile.BadZipFile:
            return


def _check(file: IO[bytes], path: Path) -> bool:
    """Check one pickle; False if it is none, which ``torch.load`` finds words for."""
    names: set[str] = set()
    codecs = False
    try:
        for count, (instruction, argument, _) in enumerate(pickletools.genops(file)):
            if count > MAX_INSTRUCTIONS:
                raise CheckpointError(f'{path}: more than {MAX_INSTRUCTIONS:,} instructions are no checkpoint')
            if instruction.name == 'GLOBAL':
                names.add(argument)
                codecs |= argument == '_codecs encode'
            elif codecs and isinstance(argument, (str, bytes)) and _text(argument) in _SLOW:
                names.add(f'_codecs encode({_text(argument)})')
    except CheckpointError:
        raise
    except Exception:  # whatever bytes that are no pickle lead to
        return False
    hungry = sorted(name for name in names if name in _HUNGRY or name.startswith('_codecs encode('))
    if hungry:
        raise CheckpointError(
            f'{path}: cannot be read safely as a checkpoint. It names {hungry[0].replace(" ", ".", 1)}, which no '
            'checkpoint needs and which could fill the memory'
        )
    return True


def _text(value: str | bytes) -> str:
    return value.decode('latin1').lower() if isinstance(value, bytes) else value.lower()
