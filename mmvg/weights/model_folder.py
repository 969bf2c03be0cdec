"""A model in a folder that can be moved, published and opened without running anything in it.

===================== ================================================================================
``model.safetensors`` the weights
``config.json``       version of the format, SHA-256 of the weights, files for text, and the config as data
``vocab.txt``, ...    what the model needs to read text
``README.md``         for people: what it is, how it scores, how to use it
===================== ================================================================================
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmvg.config.plain_data import from_json
from mmvg.weights.errors import CheckpointError
from mmvg.whole_files import sha256_of

CONFIG = 'config.json'
WEIGHTS = 'model.safetensors'
CARD = 'README.md'
#: Of the format; a folder with a higher one is of a newer mmvg.
VERSION = 1
#: Bytes of ``config.json``; that of the largest config that comes with mmvg has 40,000.
MAX_CONFIG = 4_000_000
_FILE_NAME = re.compile(r'[\w.-]*\w[\w.-]*')


@dataclass
class ModelFolder:
    """What a folder holds besides its weights.

    Args:
        path: The folder.
        config: The config, as plain data, with the paths of the machine of the training.
        files: Contents of the files for text, by path as the config writes it.
        sha256: Of the weights, in hexadecimal.
        half: Whether the weights are written in half precision.
    """

    path: Path
    config: dict
    sha256: str
    files: dict[str, bytes] = field(default_factory=dict)
    half: bool = False


def is_model_folder(path: str | Path) -> bool:
    """Whether a path is a folder with a ``config.json`` and weights in it."""
    path = Path(path)
    return (path / CONFIG).is_file() and (path / WEIGHTS).is_file()


def read_model_folder(path: str | Path) -> ModelFolder:
    """Read a folder, except for its weights; nothing in it is run.

    Raises:
        FileNotFoundError: If it is no such folder, or lacks a file that it lists.
        CheckpointError: If its ``config.json`` is not of this format.

    Example:
        >>> import torch
        >>> from mmvg.weights import write_model_folder
        >>> _ = write_model_folder('linear', {'weight': torch.ones(2)}, dict(model=dict(type='Linear')))
        >>> read_model_folder('linear').config
        {'model': {'type': 'Linear'}}
    """
    path = Path(path).expanduser()
    file = path / CONFIG
    if not is_model_folder(path):
        raise FileNotFoundError(f'{path}: no model folder, which has {CONFIG} and {WEIGHTS}')
    if (size := file.stat().st_size) > MAX_CONFIG:
        raise CheckpointError(f'{file}: {size:,} bytes are more than a config has')
    try:
        content = from_json(file.read_text(encoding='utf-8'))
    except ValueError as error:
        raise CheckpointError(f'{file}: cannot be read ({error})') from error
    if not isinstance(content, dict) or content.get('format') != 'mmvg':
        raise CheckpointError(f'{file}: is not of a model of mmvg: "format" must be "mmvg"')
    if content.get('format_version') != VERSION:
        raise CheckpointError(
            f'{file}: is of version {content.get("format_version")!r} of the format, and this mmvg reads version '
            f'{VERSION}; install a newer mmvg'
        )
    weights, names = content.get('weights'), content.get('files')
    if not isinstance(weights, dict) or not re.fullmatch('[0-9a-f]{64}', str(weights.get('sha256'))):
        raise CheckpointError(f'{file}: "weights" has no "sha256" to check the weights by')
    if not isinstance(content.get('config'), dict) or not isinstance(names, dict):
        raise CheckpointError(f'{file}: "config" and "files" must be objects')
    files = {written: _read(path, name) for written, name in names.items()}
    return ModelFolder(path, content['config'], weights['sha256'], files, bool(weights.get('half')))


def weights_of_folder(path: str | Path) -> Path:
    """Return the weights of a folder, checked by their hash.

    Raises:
        FileNotFoundError: If it is no such folder.
        CheckpointError: If it is damaged.
    """
    folder = read_model_folder(path)
    file = folder.path / WEIGHTS
    if sha256_of(file) != folder.sha256:
        raise CheckpointError(
            f'{file}: is damaged, or not what {CONFIG} was written with (its SHA-256 is another); fetch it again'
        )
    return file


def _read(folder: Path, name: Any) -> bytes:
    if not isinstance(name, str) or not _FILE_NAME.fullmatch(name):
        raise CheckpointError(f'{folder / CONFIG}: "files" may only name files beside it, not {name!r:.80}')
    if not (folder / name).is_file():
        raise FileNotFoundError(f'{folder / name}: missing, and the model needs it to read text')
    return (folder / name).read_bytes()
