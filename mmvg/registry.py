"""The registries of mmvg, children of MMEngine's roots.

A class registered here is found by its bare name in a config with ``default_scope = 'mmvg'``, and as ``'mmvg.Name'``
from anywhere else. Configs in pure Python give ``type`` the class itself and need neither.
"""

from typing import Any

from mmengine.registry import DATASETS as MMENGINE_DATASETS
from mmengine.registry import HOOKS as MMENGINE_HOOKS
from mmengine.registry import METRICS as MMENGINE_METRICS
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS as MMENGINE_OPTIM_WRAPPER_CONSTRUCTORS
from mmengine.registry import OPTIMIZERS as MMENGINE_OPTIMIZERS
from mmengine.registry import TASK_UTILS as MMENGINE_TASK_UTILS
from mmengine.registry import TRANSFORMS as MMENGINE_TRANSFORMS
from mmengine.registry import VISUALIZERS as MMENGINE_VISUALIZERS
from mmengine.registry import Registry

#: Libraries whose parts build others by bare names.
OPENMMLAB = ('mmdet', 'mmseg', 'mmpretrain')

MODELS = Registry('model', parent=MMENGINE_MODELS, scope='mmvg', locations=['mmvg.models'])
DATASETS = Registry('dataset', parent=MMENGINE_DATASETS, scope='mmvg', locations=['mmvg.datasets'])
TRANSFORMS = Registry('transform', parent=MMENGINE_TRANSFORMS, scope='mmvg', locations=['mmvg.datasets.transforms'])
METRICS = Registry('metric', parent=MMENGINE_METRICS, scope='mmvg', locations=['mmvg.evaluation'])
HOOKS = Registry('hook', parent=MMENGINE_HOOKS, scope='mmvg', locations=['mmvg.engine'])
VISUALIZERS = Registry('visualizer', parent=MMENGINE_VISUALIZERS, scope='mmvg', locations=['mmvg.visualization'])
#: Match costs, assigners and tokenizers.
TASK_UTILS = Registry(
    'task util', parent=MMENGINE_TASK_UTILS, scope='mmvg', locations=['mmvg.models', 'mmvg.datasets.tokenizers']
)
OPTIMIZERS = Registry('optimizer', parent=MMENGINE_OPTIMIZERS, scope='mmvg', locations=['mmvg.engine.optimizers'])
OPTIM_WRAPPER_CONSTRUCTORS = Registry(
    'optimizer wrapper constructor',
    parent=MMENGINE_OPTIM_WRAPPER_CONSTRUCTORS,
    scope='mmvg',
    locations=['mmvg.engine'],
)


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
    'HOOKS',
    'METRICS',
    'MODELS',
    'OPTIMIZERS',
    'OPTIM_WRAPPER_CONSTRUCTORS',
    'TASK_UTILS',
    'TRANSFORMS',
    'VISUALIZERS',
    'build_in_its_scope',
]
