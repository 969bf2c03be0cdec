"""Where a model comes from: everything that may be written in place of one, turned into a config and weights."""

import copy
import logging
import os.path as osp
from dataclasses import dataclass, field
from pathlib import Path

from mmengine.config import Config
from mmengine.logging import print_log
from torch import Tensor

from mmvg.apis.model_hub import HUB, pull_model
from mmvg.apis.model_index import find_model, find_pretrained
from mmvg.config.library import CONFIG_SUFFIXES
from mmvg.config.stored import stored_config
from mmvg.weights.carried_files import carried_files, decode_files, found_beside, with_places
from mmvg.weights.checkpoint import find_state_dict, load_checkpoint_file
from mmvg.weights.latest import latest_checkpoint
from mmvg.weights.model_folder import WEIGHTS, is_model_folder, read_model_folder


@dataclass
class ModelSource:
    """A model that can be built.

    Args:
        config: What to build.
        state: Weights by name; None for a model that brings its weights along (``configs/hf``).
        source: Where the weights come from, for messages.
        files: Contents of the files for text that came along, by path as the config writes it.
        own_config: Whether the config is one of the user's own or one that comes with mmvg, which may name anything.
    """

    config: Config
    state: dict[str, Tensor] | None
    source: str
    files: dict[str, bytes] = field(default_factory=dict)
    own_config: bool = True

    @property
    def text_files(self) -> dict[str, bytes]:
        """The files for text: those that came along, or else those that the config names."""
        return self.files or carried_files(self.config)


def open_model(
    model: str | Path | Config, weights: str | Path | None = None, trust_config: bool = False
) -> ModelSource:
    """Find a model, read its config and its weights, and build nothing.

    Args:
        model: As in :class:`mmvg.apis.GroundingInferencer`; ``~`` is the home of the user.
        weights: A checkpoint or a model folder, unless ``model`` is one.
        trust_config: Run the config of a checkpoint as a program.

    Raises:
        FileNotFoundError: If config or weights are not there.
        TypeError: If ``model`` is none of these.
        ValueError: If they cannot be read, or the config is one that is not taken from a file.
    """
    weights = None if weights is None else osp.expanduser(weights)
    if isinstance(model, Config):
        return _with_weights(copy.deepcopy(model), weights, True)
    if not isinstance(model, (str, Path)):
        raise TypeError(f'the model is a config, a checkpoint or a name, not a {type(model).__name__}')
    path = osp.expanduser(str(model))
    if path.startswith(HUB):
        path = str(pull_model(path))
    elif not osp.exists(path) and not _is_weights(path) and not path.endswith('.py'):
        shipped = find_pretrained(path) if weights is None else None
        if shipped is not None:
            path = str(shipped)
        else:
            path, indexed = find_model(path)
            weights = weights or indexed
    elif osp.isdir(path) and not is_model_folder(path):
        path = _of_work_dir(path)
    elif osp.basename(path) == WEIGHTS and is_model_folder(osp.dirname(path) or '.'):
        path = osp.dirname(path) or '.'
    if is_model_folder(path) or _is_weights(path):
        if weights is not None:
            raise ValueError(f'{path} is a checkpoint already; leave weights out, or give a config as the model')
        return _of_folder(path, trust_config) if osp.isdir(path) else _of_checkpoint(path, trust_config)

    from mmvg.apis.run import load_config

    return _with_weights(load_config(path), weights, path.endswith('.py'))


def _of_folder(path: str, trust_config: bool) -> ModelSource:
    folder = read_model_folder(path)
    config = stored_config(folder.config, path, trust_config)
    state = find_state_dict(load_checkpoint_file(path), path)
    return ModelSource(config, state, path, folder.files, trust_config)


def _of_checkpoint(path: str, trust_config: bool) -> ModelSource:
    checkpoint = load_checkpoint_file(path)
    meta = checkpoint.get('meta') or {}
    stored = meta.get('cfg') if isinstance(meta, dict) else None
    if stored is None:
        raise ValueError(
            f'{path}: the checkpoint does not carry its config; give the config as the model, and this file as weights'
        )
    config = stored_config(stored, path, trust_config)
    files = decode_files(meta.get('files') or {}, path)
    if not files and (places := found_beside(config, path)):
        config = with_places(config, places)
        print_log(f'{path} carries no files for text; it reads {", ".join(places.values())}', 'current', logging.INFO)
    return ModelSource(config, find_state_dict(checkpoint, path), path, files, trust_config)


def _with_weights(config: Config, weights: str | Path | None, own_config: bool) -> ModelSource:
    from mmvg.apis.run import brings_weights

    if weights is None and brings_weights(config):
        return ModelSource(config, None, str(config.filename), own_config=own_config)
    if weights is None:
        raise ValueError(
            'without weights the answers are noise: give weights=, or a checkpoint that carries its config as the model'
        )
    state = find_state_dict(load_checkpoint_file(weights), weights)
    return ModelSource(config, state, str(weights), own_config=own_config)


def _of_work_dir(path: str) -> str:
    latest = latest_checkpoint(path)
    if latest is None:
        raise FileNotFoundError(f'{path}: this folder has neither a model (config.json) nor a checkpoint of a training')
    return str(latest)


def _is_weights(path: str) -> bool:
    """Whether a path is, by its name, one of a checkpoint: every file that is no config."""
    suffix = osp.splitext(path)[1].lower()
    return suffix in ('.pth', '.pt', '.ckpt', '.safetensors') or (osp.isfile(path) and suffix not in CONFIG_SUFFIXES)
