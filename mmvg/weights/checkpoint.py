"""Read and write weights: nothing in a file is executed, and nothing that does not fit is passed over.

Files ending in ``.safetensors`` are safetensors; everything else is ``torch.save``'s format, read with
``weights_only=True``, but for pickles of arrays (``.pkl``) of detectron2. Nothing is ever downloaded.
"""

import pickle
import re
import zipfile
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader
from torch import Tensor, nn

from mmvg.checks import suggest
from mmvg.config.limits import NestingError, check_nesting
from mmvg.config.plain_data import from_json, to_json
from mmvg.foreign_files import foreign_content
from mmvg.weights.adapters import is_adapter, merge_adapters
from mmvg.weights.array_pickle import read_array_pickle
from mmvg.weights.errors import CheckpointError
from mmvg.weights.inert_record import InertRecord
from mmvg.weights.integrity import find_damage, non_finite, tensors_digest
from mmvg.weights.latest import NOTE, noted_checkpoint
from mmvg.weights.model_folder import is_model_folder, weights_of_folder
from mmvg.weights.pickle_limits import check_pickles
from mmvg.weights.sharded import sharded_like
from mmvg.weights.state_dict_difference import state_dict_difference
from mmvg.whole_files import whole_file

#: Keys under which checkpoints of the field keep the weights, in the order in which they are looked for.
STATE_DICT_KEYS = ('state_dict', 'model', 'module')
#: Where a safetensors file, whose format has no checksums, notes the digest of its weights.
DIGEST = 'sha256'
#: Entries of all dicts and lists of a checkpoint; that of a large model with its optimizer has some 20,000.
MAX_CHECKPOINT_ENTRIES = 5_000_000
#: What MMEngine can load from besides local files; all of it downloads.
REMOTE_SCHEMES = (
    'http://',
    'https://',
    'modelzoo://',
    'torchvision://',
    'open-mmlab://',
    'openmmlab://',
    'mmcls://',
    'pavi://',
    r'(\S+\:)?s3://',
    r'(\S+\:)?petrel://',
)


def load_checkpoint_file(path: str | Path, map_location: Any = 'cpu') -> dict:
    """Read a whole checkpoint.

    Args:
        path: A local file; MMEngine's ``last_checkpoint`` stands for the checkpoint that it names, and a model folder
            (:mod:`mmvg.weights.model_folder`) for the weights in it.
        map_location: As in ``torch.load``; a safetensors file, which knows no devices, goes to the CPU if this is a
            function or a dict.

    Returns:
        What the file holds; of a safetensors file ``state_dict`` and ``meta``.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If the file is something else, cut off, or names classes that only a program would need.

    Example:
        >>> save_weights(nn.Linear(2, 3), 'linear.safetensors', meta=dict(source='example'))
        >>> load_checkpoint_file('linear.safetensors')['meta']
        {'source': 'example'}
    """
    path = Path(path).expanduser()
    if path.name == NOTE and path.is_file():
        path = noted_checkpoint(path)
    if is_model_folder(path):
        path = weights_of_folder(path)
    if not path.is_file():
        raise FileNotFoundError(
            f'{path}: no such file. Weights are never downloaded: put the file there; '
            'data/README.md says where it comes from.'
        )
    if path.suffix != '.safetensors':
        check_pickles(path)
    _check_is_checkpoint(path)
    if path.suffix == '.safetensors':
        anywhere = map_location is None or callable(map_location) or isinstance(map_location, dict)
        return _load_safetensors(path, 'cpu' if anywhere else str(map_location))
    if path.suffix == '.pkl' and not zipfile.is_zipfile(path):
        return read_array_pickle(path)
    try:
        with torch.serialization.safe_globals(_harmless_globals()):
            checkpoint = torch.load(path, map_location=map_location, weights_only=True)
        check_nesting(checkpoint, max_entries=MAX_CHECKPOINT_ENTRIES)
    except NestingError as error:
        raise CheckpointError(f'{path}: cannot be read as a checkpoint: {error}') from error
    except Exception as error:  # a file that was made to harm can have any of them raised
        raise CheckpointError(f'{path}: cannot be read safely as a checkpoint. {_explain(path, error)}') from error
    if not isinstance(checkpoint, dict):
        raise CheckpointError(f'{path}: holds a {type(checkpoint).__name__} instead of a dict of weights')
    return checkpoint


def load_state_dict_file(path: str | Path, map_location: Any = 'cpu') -> dict[str, Tensor]:
    """Read the weights of a checkpoint, whatever key they are under and however the model was wrapped.

    Args:
        path: A local file.
        map_location: As in ``torch.load``.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If it cannot be read, or holds no weights.

    Example:
        >>> torch.save({'model': {'module.weight': torch.ones(3, 2)}}, 'wrapped.pth')
        >>> load_state_dict_file('wrapped.pth')['weight'].shape
        torch.Size([3, 2])
    """
    return find_state_dict(load_checkpoint_file(path, map_location), path)


def find_state_dict(checkpoint: dict, source: str | Path, keys: Iterable[str] = STATE_DICT_KEYS) -> dict[str, Tensor]:
    """Find the weights in a checkpoint that has been read, under the names of the bare model.

    The prefixes of ``torch.compile`` (``_orig_mod.``) and of data parallelism (``module.``) are stripped, and so is the
    counter of an ``AveragedModel``.

    Args:
        checkpoint: Weights, or a dict that holds them under one of ``keys``.
        source: Named in errors.
        keys: Looked for in this order.

    Raises:
        CheckpointError: If there are none.

    Example:
        >>> list(find_state_dict({'epoch': 3, 'model': {'weight': torch.ones(3, 2)}}, 'lavt.pth'))
        ['weight']
    """
    state = next((checkpoint[key] for key in keys if isinstance(checkpoint.get(key), dict)), checkpoint)
    others = [name for name, value in state.items() if not isinstance(value, Tensor)]
    if others or not state:
        raise CheckpointError(
            f'{source}: no weights found. They are looked for under {", ".join(keys)} and at the top, '
            f'which holds {_shorten(checkpoint)}'
        )
    return _without_wrappers(state)


def _without_wrappers(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Strip what ``torch.compile``, data parallelism and ``AveragedModel`` add to the names of a model."""
    state = {re.sub(r'(^|\.)_orig_mod\.', r'\1', name): value for name, value in state.items()}
    names = state.keys() - {'n_averaged'}
    if names and all(name.startswith('module.') for name in names):
        state = {name.removeprefix('module.'): state[name] for name in state if name in names}
    return state


def load_weights(
    model: nn.Module, path: str | Path, allowed_missing: Iterable[str] = (), allowed_unexpected: Iterable[str] = ()
) -> None:
    """Load a file into a model, which it has to fit key by key and shape by shape.

    Args:
        model: Where the weights go.
        path: A local file.
        allowed_missing: Names of the model, or patterns such as ``'head.*'``, that the file need not have.
        allowed_unexpected: Names of the file, or patterns, that the model need not have.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If it cannot be read or does not fit; the message lists the differences.

    Example:
        >>> save_weights(nn.Linear(2, 3), 'linear.pth')
        >>> load_weights(nn.Linear(2, 3, bias=False), 'linear.pth', allowed_unexpected=['bias'])
        >>> load_weights(nn.Linear(2, 4), 'linear.pth')
        Traceback (most recent call last):
            ...
        mmvg.weights.errors.CheckpointError: linear.pth does not fit Linear: 0 missing, 0 unexpected and 2 of ...
    """
    load_state_dict(model, load_state_dict_file(path), path, allowed_missing, allowed_unexpected)


def load_state_dict(
    model: nn.Module,
    state: dict[str, Tensor],
    source: str | Path,
    allowed_missing: Iterable[str] = (),
    allowed_unexpected: Iterable[str] = (),
) -> None:
    """Load weights that have already been read, as strictly as :func:`load_weights` does.

    A model with adapters takes weights without any, and keeps its own; a model without takes merged ones.

    Args:
        model: Where the weights go.
        state: Weights by name.
        source: Named in errors.
        allowed_missing: As in :func:`load_weights`.
        allowed_unexpected: As in :func:`load_weights`.

    Raises:
        CheckpointError: If they do not fit.

    Example:
        >>> model = nn.Linear(2, 3)
        >>> load_state_dict(model, {'weight': torch.ones(3, 2)}, 'example', allowed_missing=['bias'])
        >>> model.weight.sum().item()
        6.0
    """
    own = model.state_dict()
    if any(map(is_adapter, state)) and not any(map(is_adapter, own)):
        state = merge_adapters(state, source)
    if not any(map(is_adapter, state)):
        allowed_missing = [*allowed_missing, *filter(is_adapter, own)]
    unexpected = {name for name in state.keys() - own.keys() if _matches(name, allowed_unexpected)}
    state = {name: value for name, value in state.items() if name not in unexpected}
    missing = {name for name in own.keys() - state.keys() if _matches(name, allowed_missing)}
    wanted = {name: value for name, value in own.items() if name not in missing}
    difference = state_dict_difference(wanted, state)
    if difference:
        raise CheckpointError(f'{source} does not fit {type(model).__name__}: {difference}')
    _check_finite(model, state, source)
    model.load_state_dict({name: sharded_like(own[name], value) for name, value in state.items()}, strict=False)


def load_except(model: nn.Module, state: dict[str, Tensor], source: str | Path, parts: Sequence[str]) -> list[str]:
    """Load all weights but those of some parts, which stay as they are in the model.

    Args:
        model: Where the weights go.
        state: Weights by name; what it has of the parts is left out.
        source: Named in errors.
        parts: Names of modules and weights, with ``*``: ``'head'``.

    Returns:
        The names of the model that were not loaded.

    Raises:
        ValueError: If neither the model nor ``state`` has a part of that name.
        CheckpointError: If the rest does not fit.

    Example:
        >>> model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 3))
        >>> load_except(model, nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 9)).state_dict(), 'example', ['1'])
        ['1.weight', '1.bias']
    """
    own = model.state_dict()
    for part in parts:
        if not any(_matches(name, (part, f'{part}.*')) for name in (*own, *state)):
            modules = [name for name, _ in model.named_modules() if name]
            raise ValueError(f'--fresh {part}: neither the model nor {source} has it{suggest(part, modules)}')
    patterns = [pattern for part in parts for pattern in (part, f'{part}.*')]
    state = {name: value for name, value in state.items() if not _matches(name, patterns)}
    load_state_dict(model, state, source, allowed_missing=patterns)
    return [name for name in own if _matches(name, patterns)]


def _check_finite(model: nn.Module, state: dict[str, Tensor], source: str | Path) -> None:
    """Check that no weight is infinite or NaN; a buffer may be where the model itself is (masks of attention).

    Raises:
        CheckpointError: If one is, as a training that diverged leaves them.
    """
    buffers = dict(model.named_buffers())
    names = [name for name in non_finite(state) if name not in buffers or bool(torch.isfinite(buffers[name]).all())]
    if names:
        raise CheckpointError(
            f'{source}: {len(names)} of {len(state)} tensors hold infinities or NaN ({_shorten(names, 3)}): the '
            'training had diverged when it was saved; take an earlier checkpoint'
        )


def save_weights(weights: nn.Module | dict[str, Tensor], path: str | Path, meta: dict[str, Any] | None = None) -> None:
    """Write the weights of a model, or a state dict, so that :func:`load_weights` reads them.

    Args:
        weights: Model or state dict.
        path: ``.safetensors``, or anything else for ``torch.save``. An existing file is replaced at the end.
        meta: Notes to keep with the weights, in plain data.

    Example:
        >>> save_weights(nn.Linear(2, 3), 'out/linear.safetensors')  # makes the folder
        >>> list(load_state_dict_file('out/linear.safetensors'))
        ['bias', 'weight']
    """
    path = Path(path)
    state = weights.state_dict() if isinstance(weights, nn.Module) else weights
    state = {name: value.detach().cpu().contiguous() for name, value in state.items()}
    with whole_file(path) as unfinished:
        if path.suffix == '.safetensors':
            from safetensors.torch import save_file

            # the format has no tensors that share memory
            copies = {name: value.clone() for name, value in state.items()}
            notes = {'format': 'pt', 'meta': to_json(meta or {}), DIGEST: tensors_digest(copies)}
            save_file(copies, unfinished, metadata=notes)
        else:
            torch.save(dict(meta=meta or {}, state_dict=state), unfinished)


def use_safe_checkpoint_loading() -> None:
    """Make MMEngine (``load_from``, ``resume``, ``Pretrained``) read files as this module does, and never download.

    Example:
        >>> use_safe_checkpoint_loading()
        >>> CheckpointLoader.load_checkpoint('https://example.org/lavt.pth', logger=None)
        Traceback (most recent call last):
            ...
        mmvg.weights.errors.CheckpointError: https://example.org/lavt.pth: weights are never downloaded; ...
    """
    CheckpointLoader.register_scheme(prefixes='', loader=_load_from_local, force=True)
    CheckpointLoader.register_scheme(prefixes=list(REMOTE_SCHEMES), loader=_load_from_remote, force=True)


def _load_from_local(filename: str, map_location: Any) -> dict:
    return load_checkpoint_file(filename, map_location)


def _load_from_remote(filename: str, map_location: Any) -> dict:
    raise CheckpointError(f'{filename}: weights are never downloaded; save the file yourself and give its path')


def _load_safetensors(path: Path, device: str) -> dict:
    """Read weights and ``meta`` of a safetensors file.

    Raises:
        CheckpointError: If it is cut off or of another format.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework='pt', device=device) as file:
            notes = file.metadata() or {}
            meta = notes.get('meta')
            names = file.keys()
            state_dict = {name: file.get_tensor(name) for name in names}
    except SafetensorError as error:
        raise CheckpointError(f'{path}: is no whole safetensors file ({error}); fetch it again') from error
    if DIGEST in notes and notes[DIGEST] != tensors_digest(state_dict):
        raise CheckpointError(f'{path}: is damaged: its weights are not what was written; fetch it again')
    return dict(meta=_read_notes(path, meta), state_dict=state_dict)


def _read_notes(path: Path, text: str | None) -> dict:
    """Read the JSON object under ``meta`` of a safetensors file.

    Raises:
        CheckpointError: If it is none.
    """
    try:
        notes = from_json(text or '{}')
    except ValueError as error:
        raise CheckpointError(f'{path}: its notes (meta) are no JSON: {str(error)[:200]}') from error
    if not isinstance(notes, dict):
        raise CheckpointError(f'{path}: its notes (meta) are no JSON object, but {type(notes).__name__}')
    return notes


def _history_buffer_method(owner: type, name: str) -> Callable:
    """Stand in for ``getattr`` in MMEngine's checkpoints, which name four methods of its log buffer."""
    if owner is not HistoryBuffer or name not in ('min', 'max', 'current', 'mean'):
        raise pickle.UnpicklingError(f'it asks for the attribute {name!r} of {owner!r}')
    return getattr(owner, name)


def _harmless_globals() -> list:
    """List what checkpoints of MMEngine (log buffers), InstanceVG (NumPy scalars) and LAVT (arguments) name too.

    The arguments of a script are read as a record of ours, and ``argparse`` is not called.
    """
    scalar, array = np.float64(0).__reduce__()[0], np.zeros(1).__reduce__()[0]
    numeric = [type(np.dtype(kind)) for kind in np.typecodes['AllInteger'] + np.typecodes['Float'] + '?']
    old_and_new = [
        (function, f'numpy.{core}.multiarray.{name}')
        for core in ('core', '_core')
        for name, function in (('scalar', scalar), ('_reconstruct', array))
    ]
    buffer = [HistoryBuffer, (_history_buffer_method, 'builtins.getattr')]
    return [np.ndarray, np.dtype, *numeric, *old_and_new, *buffer, (InertRecord, 'argparse.Namespace')]


def _check_is_checkpoint(path: Path) -> None:
    """Check that a file is none of what often lies in place of a download, and not cut off.

    Raises:
        CheckpointError: If it is.
    """
    with path.open('rb') as file:
        start = file.read(256)
    size = f'{path.stat().st_size:,} bytes'
    foreign = foreign_content(start, archives=False)
    problem = None if foreign is None else f'the file ({size}) is {foreign}'
    if problem is None and path.suffix != '.safetensors' and start.startswith(b'PK'):
        problem = _problem_of_archive(path, size)
    if problem:
        raise CheckpointError(f'{path}: {problem} (data/README.md says where from)')


def _problem_of_archive(path: Path, size: str) -> str | None:
    """Say why a zip archive is no whole checkpoint; None if it is one."""
    if not zipfile.is_zipfile(path):
        return f'the file is cut off ({size}); fetch it again'
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError) as error:
        return f'the file is damaged ({error}); fetch it again'
    if not any(name.endswith('/data.pkl') for name in names):
        return f'this is an ordinary zip archive with {_shorten(names)}, not a checkpoint; fetch it again'
    damage = find_damage(path)
    return damage and f'the file {damage}; fetch it again'


def _explain(path: Path, error: Exception) -> str:
    """Say in one or two sentences what is wrong with a file that ``torch.load`` refuses."""
    if zipfile.is_zipfile(path):
        try:
            with torch.serialization.safe_globals(_harmless_globals()):
                unsafe = torch.serialization.get_unsafe_globals_in_checkpoint(path)
        except (RuntimeError, ValueError):  # not even the archive can be opened
            unsafe = []
        if unsafe:
            return (
                f'It names {_shorten(sorted(unsafe))}, which could run any code. If you trust the file, load it '
                'yourself with torch.load(weights_only=False) and save its weights alone with save_weights.'
            )
    found = re.search(r'WeightsUnpickler error: (.+)', str(error))
    return f'It is cut off, or of another format ({found[1].rstrip() if found else type(error).__name__})'


def _matches(name: str, patterns: Iterable[str]) -> bool:
    """Tell whether one of ``patterns`` fits ``name``."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _shorten(names: Iterable[Any], most: int = 8) -> str:
    """Join names, ``most`` at most."""
    names = [str(name) for name in names]
    return ', '.join(names[:most]) + (f' and {len(names) - most} more' if len(names) > most else '')
