"""The registries of mmvg, children of MMEngine's roots.

A class registered here is found by its bare name in a config with ``default_scope = 'mmvg'``, and as ``'mmvg.Name'``
from anywhere else. Configs in pure Python give ``type`` the class itself and need neither. Without MMEngine the
registries have no parents, and only data sets and metrics can be built.
"""

from typing import Any

from mmvg.foundation import Registry, root_registry

#: Libraries whose parts build others by bare names.
OPENMMLAB = ('mmdet', 'mmseg', 'mmpretrain')


def _child(root: str, title: str, *locations: str) -> Registry:
    """Make a registry below MMEngine's ``root``; names that it does not know yet are looked for in ``locations``."""
    return Registry(title, parent=root_registry(root), scope='mmvg', locations=list(locations))


MODELS = _child('MODELS', 'model', 'mmvg.models')
DATASETS = _child('DATASETS', 'dataset', 'mmvg.datasets')
TRANSFORMS = _child('TRANSFORMS', 'transform', 'mmvg.datasets.transforms')
METRICS = _child('METRICS', 'metric', 'mmvg.evaluation.metrics')
HOOKS = _child('HOOKS', 'hook', 'mmvg.engine')
VISUALIZERS = _child('VISUALIZERS', 'visualizer', 'mmvg.visualization')
#: Match costs, assigners and tokenizers.
TASK_UTILS = _child('TASK_UTILS', 'task util', 'mmvg.models', 'mmvg.datasets.tokenizers')
DATA_SAMPLERS = _child('DATA_SAMPLERS', 'data sampler', 'mmvg.engine')
OPTIMIZERS = _child('OPTIMIZERS', 'optimizer', 'mmvg.engine.optimizers')
MODEL_WRAPPERS = _child('MODEL_WRAPPERS', 'model wrapper', 'mmvg.engine')
OPTIM_WRAPPERS = _child('OPTIM_WRAPPERS', 'optimizer wrapper', 'mmvg.engine.optimizers')
OPTIM_WRAPPER_CONSTRUCTORS = _child('OPTIM_WRAPPER_CONSTRUCTORS', 'optimizer wrapper constructor', 'mmvg.engine')


def build_in_its_scope(cfg: dict) -> Any:
    """Build a model part of another library of OpenMMLab, with the names inside it looked up in that library.

    ``default_scope`` says where a bare name belongs, and in our configs that is ``mmvg``; a decode head of mmseg that
    builds ``CrossEntropyLoss`` means its own.

    Args:
        cfg: With ``type='mmseg.SegformerHead'``, or the class itself. Parts of other packages are built as usual.
    """
    kind = cfg['type']
    home = kind if isinstance(kind, str) else getattr(kind, '__module__', '')
    scope, _, rest = home.partition('.')
    return MODELS.build(dict(cfg, _scope_=scope) if rest and scope in OPENMMLAB else cfg)


__all__ = [
    'DATASETS',
    'DATA_SAMPLERS',
    'HOOKS',
    'METRICS',
    'MODELS',
    'MODEL_WRAPPERS',
    'OPTIMIZERS',
    'OPTIM_WRAPPERS',
    'OPTIM_WRAPPER_CONSTRUCTORS',
    'TASK_UTILS',
    'TRANSFORMS',
    'VISUALIZERS',
    'build_in_its_scope',
]
