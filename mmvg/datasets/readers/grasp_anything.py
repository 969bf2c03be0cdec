"""Lists, instructions, labels and masks of Grasp-Anything++."""

import io
import os
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mmvg.datasets.readers.load_report import DataError, LoadReport
from mmvg.datasets.readers.safe_reading import read_array, read_data_file, read_json, read_pickle
from mmvg.foreign_files import shown

GRASP_ANYTHING_SIDE = 416  # pixels of every picture, whose coordinates the labels are in
_ID = re.compile(r'([^_/\\\0]+)_([0-9]{1,9})(?:_([0-9]{1,9}))?')  # a scene has no _ in its name


class PartId(NamedTuple):
    """A scene, an object in it, and a part of that; ``part`` is None for all of its parts."""

    scene: str
    object: str
    part: str | None


def folder_or_doubled(root: Path, name: str) -> Path:
    """Return ``root/name``, or ``root/name/name`` if that is what an archive made of it."""
    return root / name / name if (root / name / name).is_dir() else root / name


def read_id_list(file: Path) -> list[str]:
    """Read the names in a list: JSON (``.json``), a line each (``.txt``), or a pickle of a list.

    Raises:
        DataError: If the file is damaged or holds something else.
    """
    if file.suffix == '.txt':
        try:
            lines = read_data_file(file).decode('utf-8-sig').splitlines()
        except UnicodeDecodeError as error:
            raise DataError(f'{file} is not text in UTF-8: {error}. Download the file again.') from error
        return [line.strip() for line in lines if line.strip()]
    names = (read_json if file.suffix == '.json' else read_pickle)(file, list)
    for position, name in enumerate(names):
        if not isinstance(name, str):
            raise DataError(
                f'{file}: entry {position} is a {type(name).__name__}, expected the id of an object or part'
            )
    return names


def match_part_id(text: str) -> PartId | None:
    """Read ``<scene>_<object>`` or ``<scene>_<object>_<part>``; None if ``text`` is neither."""
    match = _ID.fullmatch(text)
    return PartId(*match.groups()) if match else None


def parse_part_id(text: str, file: Path, report: LoadReport) -> PartId:
    """Read ``<scene>_<object>`` or ``<scene>_<object>_<part>``; numbers may have any number of digits.

    Raises:
        DataError: If it is neither.
    """
    part = match_part_id(text)
    if part is None:
        report.fail('id that is not <scene>_<object> or <scene>_<object>_<part>', file, shown(text))
    return part


def part_name(part: PartId) -> str:
    """Return the id of a part or object, as its files are called."""
    return '_'.join(piece for piece in part if piece is not None)


def read_instruction(file: Path) -> str:
    """Read the sentence in a pickle of a str, or of a list whose first element is one.

    Raises:
        DataError: If the file is damaged or holds something else.
    """
    content: Any = read_pickle(file, object)
    text = content[0] if isinstance(content, list | tuple) and content else content
    if not isinstance(text, str):
        raise DataError(f'{file} holds a {type(content).__name__}, expected an instruction. Download the file again.')
    return text


def read_label(file: Path) -> np.ndarray:
    """Read the tensor of a label file as an array; nothing but a tensor is ever built from it.

    Raises:
        DataError: If the file is damaged or holds something else.
    """
    import torch

    content = read_data_file(file, archives=False)
    try:
        if content.startswith(b'PK'):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                _check_size(sum(entry.file_size for entry in archive.infolist()), len(content))
        rows = torch.load(io.BytesIO(content), map_location='cpu', weights_only=True)
        if not isinstance(rows, torch.Tensor):
            raise ValueError(f'it holds a {type(rows).__name__}, expected a tensor of grasps')
        _check_size(rows.numel() * rows.element_size(), len(content))
        return rows.detach().numpy()
    except Exception as error:  # damaged archives end in almost any exception
        raise DataError(
            f'{file} cannot be loaded as a tensor: {type(error).__name__}: {str(error).partition(chr(10))[0]}. '
            'Download the file again.'
        ) from error


def _check_size(unfolded: int, size: int) -> None:
    if unfolded > 20 * size + 2**20:
        raise ValueError(f'it unfolds from {size} to {unfolded} bytes')


def read_part_mask(file: Path) -> np.ndarray:
    """Read a mask (416, 416) uint8 of 0 and 1.

    One of another size is scaled; of other values, those > 0 become 1.

    Raises:
        DataError: If the file is damaged or holds something else.
    """
    mask = np.squeeze(read_array(file))
    if mask.ndim != 2 or 0 in mask.shape:
        raise DataError(f'{file} holds {mask.dtype} of {mask.shape}, expected a mask. Download the file again.')
    mask = (mask > 0).astype(np.uint8)
    if mask.shape != (GRASP_ANYTHING_SIDE, GRASP_ANYTHING_SIDE):
        import cv2

        mask = cv2.resize(mask, (GRASP_ANYTHING_SIDE, GRASP_ANYTHING_SIDE), interpolation=cv2.INTER_NEAREST_EXACT)
    return mask


def file_stems(folder: Path, suffix: str) -> Iterable[str]:
    """Yield the names of the files in a folder of millions, without ``suffix``."""
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(suffix):
                yield entry.name.removesuffix(suffix)
