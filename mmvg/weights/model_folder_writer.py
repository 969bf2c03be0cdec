"""Write a model into a folder that anybody can open without running anything in it."""

import os
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import torch
from torch import Tensor

from mmvg.config.plain_data import to_json
from mmvg.version import __version__
from mmvg.weights.adapters import is_adapter, merge_adapters
from mmvg.weights.checkpoint import save_weights
from mmvg.weights.model_folder import CARD, CONFIG, VERSION, WEIGHTS
from mmvg.whole_files import sha256_of, whole_file, write_whole


def write_model_folder(
    path: str | Path,
    state: Mapping[str, Tensor],
    config: dict,
    files: Mapping[str, bytes] | None = None,
    card: str = '',
    half: bool = False,
) -> Path:
    """Write a model; files of the same names in the folder are replaced. Adapters are merged, in ``config`` too.

    A model that was there before stays until the new one is written: its weights and config are replaced at the end.

    Args:
        path: The folder; it is made.
        state: Weights by name.
        config: Plain data, see :func:`mmvg.config.to_data`.
        files: Contents of the files for text, by path as the config writes it.
        card: Text of ``README.md``; none is written if it is empty.
        half: Write 32-bit numbers in 16 bits (float16), where they fit.

    Returns:
        The folder.

    Raises:
        NotADirectoryError: If there is a file of that name.
        TypeError: If ``config`` is not plain data.
        CheckpointError: If an adapter is not whole.

    Example:
        >>> folder = write_model_folder('linear', torch.nn.Linear(2, 3).state_dict(), dict(model=dict(type='Linear')))
        >>> sorted(file.name for file in folder.iterdir())
        ['config.json', 'model.safetensors']
    """
    path = Path(path).expanduser()
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(f'{path}: is a file; a model is saved into a folder')
    if any(map(is_adapter, state)):
        state = merge_adapters(state)
        config = {**config, 'model': {key: value for key, value in config['model'].items() if key != 'lora'}}
    names = _names(files or {})
    about = dict(format='mmvg', format_version=VERSION, mmvg_version=__version__)
    content = dict(**about, weights=dict(sha256='', half=half), files=names, config=config)
    to_json(content)  # before anything is written
    path.mkdir(parents=True, exist_ok=True)
    new = path / f'new.{os.getpid()}.{WEIGHTS}'
    try:
        save_weights({name: _halved(value) if half else value for name, value in state.items()}, new)
        content['weights']['sha256'] = sha256_of(new)
        for written, name in names.items():
            with whole_file(path / name) as unfinished:
                unfinished.write_bytes(files[written])
        if card:
            write_whole(path / CARD, card)
        new.replace(path / WEIGHTS)
    finally:
        new.unlink(missing_ok=True)
    write_whole(path / CONFIG, to_json(content, indent=2) + '\n')
    return path


def _names(files: Mapping[str, bytes]) -> dict[str, str]:
    """File names in the folder, by path as the config writes it; no two are the same."""
    names: dict[str, str] = {}
    taken = {CONFIG, WEIGHTS, CARD}
    for written in files:
        plain = re.sub(r'[^\w.-]', '_', PurePosixPath(written.replace('\\', '/')).name) or 'file'
        name, number = plain, 1
        while name in taken:
            name, number = f'{number}_{plain}', number + 1
        taken.add(name)
        names[written] = name
    return names


def _halved(value: Tensor) -> Tensor:
    """Write in 16 bits what fits into them."""
    if value.dtype not in (torch.float32, torch.float64):
        return value
    half = value.half()
    return half if bool(half.isfinite().all()) else value
