"""Whether a checkpoint is what was written: whole, undamaged, and of finite numbers."""

import hashlib
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

_CHUNK = 2**22  # bytes


def find_damage(path: str | Path) -> str | None:
    """Say what is damaged in a file of ``torch.save``, a zip archive that keeps a checksum of each of its parts.

    ``torch.load`` does not compare them: it loads other weights from a file in which one bit has turned over.

    Args:
        path: The file.

    Returns:
        What is wrong, to stand behind the name; None for a whole file, and for formats that keep no checksums.

    Example:
        >>> torch.save({'weight': torch.ones(3)}, 'model.pth')
        >>> find_damage('model.pth') is None
        True
        >>> content = Path('model.pth').read_bytes()
        >>> _ = Path('model.pth').write_bytes(content.replace(torch.ones(3).numpy().tobytes(), bytes(12)))
        >>> find_damage('model.pth')
        'is damaged: model/data/0 is not what was written'
    """
    with Path(path).open('rb') as file:
        if file.read(2) != b'PK':
            return None
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            packed = next((part.filename for part in parts if part.compress_type != zipfile.ZIP_STORED), None)
            if packed is not None:
                return f'holds {packed} packed, as torch.save never does'
            wrong = [part.filename for part in parts if _is_other(archive, part)]
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        return f'is cut off or damaged ({error})'
    without_checksums = len(wrong) > 1 and len(wrong) == len(parts)  # torch.serialization.set_crc32_options(False)
    return None if not wrong or without_checksums else f'is damaged: {wrong[0]} is not what was written'


def _is_other(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bool:
    """Whether the content of a part does not have the checksum (CRC-32) that was written with it."""
    try:
        with archive.open(part) as file:
            while file.read(_CHUNK):
                pass
    except zipfile.BadZipFile:
        return True
    return False


def tensors_digest(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of names, types, shapes and contents, whatever the order; for formats without checksums (safetensors).

    Example:
        >>> tensors_digest({'weight': torch.ones(3)})[:16], tensors_digest({'weight': torch.zeros(3)})[:16]
        ('bd9d79331cad8f9d', '25915bba60853219')
    """
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f'{name} {tensor.dtype} {tuple(tensor.shape)}\n'.encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def non_finite(tree: Any, name: str = '') -> Iterator[str]:
    """Find the tensors in nested dicts, lists and tuples that hold infinities or NaN; yields their names.

    Example:
        >>> list(non_finite({'head': {'weight': torch.tensor([1.0, float('nan')]), 'bias': torch.ones(2)}}))
        ['head.weight']
    """
    if isinstance(tree, Tensor):
        if (tree.is_floating_point() or tree.is_complex()) and not bool(torch.isfinite(tree).all()):
            yield name
    elif isinstance(tree, Mapping | list | tuple):
        for key, value in tree.items() if isinstance(tree, Mapping) else enumerate(tree):
            yield from non_finite(value, f'{name}.{key}' if name else str(key))
