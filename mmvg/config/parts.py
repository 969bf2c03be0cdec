"""The closed list of what a ``type`` may name in a config that somebody else's file carries.

A name is looked up as MMEngine would, except that nothing outside of the list is imported, and that what is found has
to be a part of a model or of a run: registered as one, or a class of such a kind. A function that merely can be
imported, as ``mmengine.Config.fromfile``, is none.
"""

import importlib
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from mmengine.registry import Registry, root

#: Packages in which a dotted name is looked up, and whose registries are.
PACKAGES = ('mmvg', 'mmengine', 'mmcv', 'mmdet', 'mmseg', 'mmpretrain')
#: Where else dotted names may lead: to modules, optimizers and schedulers of PyTorch, and tokenizers.
ELSEWHERE = ('torch.nn', 'torch.optim', 'transformers')
#: Registries of what a model, its tokenizer and its pipeline are made of.
MODEL_REGISTRIES = ('MODELS', 'TASK_UTILS', 'TRANSFORMS', 'WEIGHT_INITIALIZERS')
#: Registries of what a run is made of besides.
RUN_REGISTRIES = (
    'DATASETS',
    'DATA_SAMPLERS',
    'EVALUATOR',
    'FUNCTIONS',
    'HOOKS',
    'LOG_PROCESSORS',
    'LOOPS',
    'METRICS',
    'MODEL_WRAPPERS',
    'OPTIMIZERS',
    'OPTIM_WRAPPERS',
    'OPTIM_WRAPPER_CONSTRUCTORS',
    'PARAM_SCHEDULERS',
    'VISBACKENDS',
    'VISUALIZERS',
)
#: What mmcv.ops.batched_nms evaluates as the name of a function.
NMS = ('nms', 'soft_nms', 'nms_match', 'nms_rotated', 'nms_quadri')
#: Registered, and not allowed: they evaluate an argument, run a program or a config, or fetch what they are told to.
REFUSED = {
    'mmcv.cnn.rfsearch.search.RFSearchHook': 'evaluates an argument',
    'mmdet.datasets.transforms.text_transformers.RandomSamplingNegPos': 'downloads what it is told to',
    'mmdet.models.dense_heads.atss_vlfusion_head.ATSSVLFusionHead': 'downloads what it is told to',
    'mmdet.models.detectors.kd_one_stage.KnowledgeDistillationSingleStageDetector': 'runs another config',
    'mmdet.models.language_models.bert.BertModel': 'downloads what it is told to',
    'mmdet.models.task_modules.tracking.camera_motion_compensation.CameraMotionCompensation': 'evaluates an argument',
    'mmengine.visualization.vis_backend.DVCLiveVisBackend': 'runs a program',
    'mmseg.models.backbones.vpd.VPD': 'imports what it is told to',
    **dict.fromkeys(
        (
            'mmseg.datasets.transforms.loading.LoadBiomedicalAnnotation',
            'mmseg.datasets.transforms.loading.LoadBiomedicalData',
            'mmseg.datasets.transforms.loading.LoadBiomedicalImageFromFile',
            'mmseg.datasets.transforms.loading.LoadDepthAnnotation',
        ),
        'unpickles what it reads',
    ),
}
#: Data sets of these packages unpickle the files that they are given.
_DATASETS_FROM = ('mmvg.', 'mmengine.dataset.dataset_wrapper.')
#: Back ends of other packages send what they get to a server.
_VISBACKENDS = ('LocalVisBackend', 'TensorboardVisBackend')


def problem_of_part(name: Any, model: bool, nms: bool = False) -> str | None:
    """Say why a config that comes in a file may not name this part.

    Args:
        name: What stands under ``type``.
        model: Whether it stands in a model or a pipeline, and not elsewhere in the config of a run.
        nms: Whether it stands where mmdet names its suppression.

    Returns:
        The reason, to stand behind the name; None if it may.

    Example:
        >>> problem_of_part('mmvg.models.Grounder', model=True) is None
        True
        >>> problem_of_part('os.system', model=True)
        'is no part of mmvg or of the libraries that it is built on'
    """
    if not isinstance(name, str):
        return 'is no name'
    if nms and name in NMS:
        return None
    found = list(_found(name, MODEL_REGISTRIES if model else MODEL_REGISTRIES + RUN_REGISTRIES))
    reasons = [reason for part in found if (reason := _reason(part)) is not None]
    if reasons:
        return reasons[0]
    return None if found else 'is no part of mmvg or of the libraries that it is built on'


def _reason(part: Any) -> str | None:
    """Why a part that is registered is refused all the same."""
    path = f'{getattr(part, "__module__", "")}.{getattr(part, "__qualname__", "")}'
    if path in REFUSED:
        return f'is not allowed in a file: it {REFUSED[path]}'
    if _is_in(part, 'DATASETS') and not path.startswith(_DATASETS_FROM) and path.startswith(PACKAGES):
        return 'is not allowed in a file: data sets of other packages unpickle what they read'
    if _is_in(part, 'METRICS') and not path.startswith(('mmvg.', 'mmengine.')) and path.startswith(PACKAGES):
        return 'is not allowed in a file: metrics of other packages remove and write folders'
    if _is_in(part, 'VISBACKENDS') and getattr(part, '__name__', '') not in _VISBACKENDS:
        return 'is not allowed in a file: it sends what it gets elsewhere'
    return None


def _found(name: str, registries: tuple[str, ...]) -> list[Any]:
    """Everything that MMEngine could take ``name`` for."""
    if not re.fullmatch(r'[A-Za-z]\w*(\.[A-Za-z]\w*)*', name):
        return []
    target = _import(name) if '.' in name else None
    if target is not None:
        return [target] if _is_part(target, registries) else []
    scope, _, bare = name.rpartition('.')
    # what is loaded already comes first, for mmdet and mmseg take seconds
    for packages in ((), ('mmvg', 'mmengine'), PACKAGES):
        if not scope:
            _load(packages)
        elif scope in PACKAGES and packages:
            _load((scope,))
        nodes = (node for registry in registries for node in _nodes(getattr(root, registry)))
        if found := [
            node.module_dict[bare] for node in nodes if scope in ('', node.scope) and bare in node.module_dict
        ]:
            return found
    return []


def _is_part(target: Any, registries: tuple[str, ...]) -> bool:
    """Whether something is registered as a part, or is a class of such a kind."""
    if any(_is_in(target, registry) for registry in registries):
        return True
    if not isinstance(target, type) or _registered_elsewhere(target, registries):
        return False
    from mmcv.transforms import BaseTransform
    from torch import nn, optim

    if target.__module__.startswith('transformers.'):
        return any(base.__name__ == 'PreTrainedTokenizerBase' for base in target.__mro__)
    of_run = (optim.Optimizer, optim.lr_scheduler.LRScheduler) if 'OPTIMIZERS' in registries else ()
    return issubclass(target, (nn.Module, BaseTransform, *of_run))


def _import(name: str) -> Any:
    """Return what a dotted name of the closed list means; of other packages only what is loaded and registered."""
    parts = name.split('.')
    listed = parts[0] in (*PACKAGES, *ELSEWHERE) or '.'.join(parts[:2]) in ELSEWHERE
    for count in range(len(parts) - 1, 0, -1):
        path = '.'.join(parts[:count])
        try:
            target = importlib.import_module(path) if listed else sys.modules[path]
        except (ImportError, KeyError):
            continue
        except Exception:  # whatever a module raises where a library is missing
            return None
        for attribute in parts[count:]:
            target = getattr(target, attribute, None)
        return target if listed or any(_is_in(target, registry) for registry in MODEL_REGISTRIES) else None
    return None


def _is_in(target: Any, registry: str) -> bool:
    return any(value is target for node in _nodes(getattr(root, registry)) for value in node.module_dict.values())


def _registered_elsewhere(target: Any, registries: tuple[str, ...]) -> bool:
    others = [name for name, value in vars(root).items() if isinstance(value, Registry) and name not in registries]
    return any(_is_in(target, registry) for registry in others)


def _nodes(registry: Registry) -> Iterator[Registry]:
    """Yield a registry and all below it."""
    yield registry
    for child in registry.children.values():
        yield from _nodes(child)


def _load(packages: tuple[str, ...]) -> None:
    """Fill the registries of packages, as far as they are installed."""
    for package in packages:
        if package not in _loaded:
            _loaded.add(package)
            with suppress(ImportError):
                importlib.import_module(f'{package}.registry')
            for registry in [node for top in vars(root).values() if isinstance(top, Registry) for node in _nodes(top)]:
                if registry.scope == package:
                    with suppress(Exception):  # whatever a package raises that lacks a library of its own
                        registry.import_from_location()


_loaded: set[str] = set()
