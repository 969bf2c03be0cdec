"""Training and evaluation from a config, as the command-line tools do them.

What needs torch is imported by the functions, so that a tool answers ``--help`` at once.
"""

import copy
import os.path as osp
from typing import Any

from mmengine.config import Config


def load_config(
    filename: str, options: dict[str, Any] | None = None, work_dir: str | None = None, launcher: str = 'none'
) -> Config:
    """Read a config file, change it by ``options``, check it, and keep what the Runner needs.

    Args:
        filename: A config in Python, or the name of one that comes with mmvg (:func:`mmvg.config.find_config`).
        options: Dotted key to value, as ``--cfg-options`` gives them; see :func:`mmvg.config.read_config`.
        work_dir: Where logs and checkpoints go; by default what the config says, or :func:`default_work_dir`.
        launcher: ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.

    Raises:
        FileNotFoundError: If there is no such config.
        ConfigError: With all mistakes in it.
    """
    from mmvg.config import check_config, read_config, runner_config

    cfg = read_config(filename, options)
    check_config(cfg)
    cfg = runner_config(cfg)
    cfg.launcher = launcher
    if work_dir is not None or cfg.get('work_dir') is None:
        cfg.work_dir = work_dir or default_work_dir(filename)
    return cfg


def default_work_dir(config: str) -> str:
    """Return the folder of the runs of a config, of its own for each: papers have configs of the same names.

    Args:
        config: A config file, or the name of one that comes with mmvg.

    Returns:
        ``work_dirs/<paper>_<name>`` for ``configs/<paper>/<name>.py``, and ``work_dirs/<name>`` for any other file.

    Raises:
        FileNotFoundError: If there is no such config.

    Example:
        >>> default_work_dir('instancevg/refcoco')
        'work_dirs/instancevg_refcoco'
    """
    from mmvg.config import find_config

    file = find_config(config).absolute()
    of_a_paper = file.parents[1].name == 'configs'
    return osp.join('work_dirs', f'{file.parent.name}_{file.stem}' if of_a_paper else file.stem)


def train(cfg: Config) -> None:
    """Train what a checked config describes, with validation and checkpoints as it says; the config stays as it is.

    Its ``load_from`` is a checkpoint, a model folder, or the name of a model that comes with mmvg.

    Raises:
        ConfigError: If the config says nothing about training, as for models of other libraries.
    """
    from mmvg.apis.model_index import weights_of
    from mmvg.engine.runner import GroundingRunner
    from mmvg.weights.checkpoint import use_safe_checkpoint_loading
    from mmvg.weights.closed_loading import closed_loading

    _check_is_trained(cfg)
    cfg = copy.deepcopy(cfg)
    if cfg.get('load_from') is not None:
        cfg.load_from = weights_of(cfg.load_from)
    use_safe_checkpoint_loading()
    with closed_loading(_is_data(cfg)):
        GroundingRunner.from_cfg(cfg).train()


def _is_data(cfg: Config) -> bool:
    """Whether a config was read from JSON or YAML, so that nothing that it names may run code."""
    return bool(cfg.filename) and not cfg.filename.lower().endswith('.py')


def _check_is_trained(cfg: Config) -> None:
    from mmvg.config import ConfigError

    if cfg.get('train_cfg') is None:
        raise ConfigError(['train_cfg: missing; the model is only asked and scored, see mmvg test'], cfg.filename)


def brings_weights(cfg: Config) -> bool:
    """Tell whether the model of a config needs no checkpoint, for it brings its weights along (``configs/hf``)."""
    from mmvg.registry import MODELS

    return bool(cfg.get('model')) and getattr(MODELS.get(_type_name(cfg.model)), 'brings_weights', False)


def evaluate(
    cfg: Config, checkpoint: str | None = None, out: str | None = None, show_dir: str | None = None
) -> dict[str, float]:
    """Score a checkpoint on the test split of a checked config, which stays as it is.

    Args:
        cfg: A config with ``test_dataloader``, ``test_evaluator`` and ``test_cfg``.
        checkpoint: Weights that fit the model key by key: a checkpoint, a model folder, or the name of a model that
            comes with mmvg; None for models that bring theirs along.
        out: A JSON file for all predictions (:class:`mmvg.engine.hooks.PredictionDumpHook`).
        show_dir: A folder for pictures and a contact sheet (:class:`mmvg.engine.hooks.GroundingVisualizationHook`).

    Returns:
        Metrics in percent.
    """
    from mmvg.apis.model_index import weights_of
    from mmvg.config import ConfigError
    from mmvg.engine.runner import GroundingRunner
    from mmvg.weights.checkpoint import use_safe_checkpoint_loading
    from mmvg.weights.closed_loading import closed_loading
    from mmvg.weights.model_folder import is_model_folder

    if checkpoint is not None:
        checkpoint = weights_of(checkpoint)
    if checkpoint is None and not brings_weights(cfg):
        raise ConfigError(['the model has no weights of its own: name the checkpoint to test'], cfg.filename)
    if checkpoint is not None and not osp.isfile(checkpoint) and not is_model_folder(checkpoint):
        raise FileNotFoundError(f'{checkpoint}: no such checkpoint')
    if cfg.get('test_dataloader') is None:
        raise ConfigError(['test_dataloader: missing, so there is nothing to test on'], cfg.filename)
    use_safe_checkpoint_loading()
    cfg = copy.deepcopy(cfg)
    cfg.load_from, cfg.resume = checkpoint, False
    if show_dir is not None:
        _draw_into(cfg, show_dir)
    if out is not None:
        cfg.custom_hooks = [*(cfg.get('custom_hooks') or []), dict(type='mmvg.PredictionDumpHook', out_file=out)]
    with closed_loading(_is_data(cfg)):
        return GroundingRunner.from_cfg(cfg).test()


def _draw_into(cfg: Config, folder: str) -> None:
    """Point the hooks of the config that draw to ``folder``, or add one."""
    name = 'GroundingVisualizationHook'
    hooks = [*(cfg.get('default_hooks') or {}).values(), *(cfg.get('custom_hooks') or [])]
    drawing = [hook for hook in hooks if hook is not None and _type_name(hook) == name]
    for hook in drawing:
        hook['out_dir'] = folder
    if not drawing:
        cfg.custom_hooks = [*(cfg.get('custom_hooks') or []), dict(type=f'mmvg.{name}', out_dir=folder)]


def _type_name(cfg: dict) -> str:
    """Name of the class that ``type`` means, be it a class, a registered name or a dotted path."""
    kind = cfg.get('type', '')
    return kind.split('.')[-1] if isinstance(kind, str) else kind.__name__
