"""What reading data and scoring take from MMEngine, or from small stand-ins where MMEngine is not installed.

Reading data sets, checking them and scoring files of answers need arrays and nothing else, so they run without PyTorch
and MMEngine. Data sets and metrics are still those of MMEngine wherever it is installed: each name below is looked up
when it is first asked for, in MMEngine before :mod:`mmvg.foundation.stand_ins`. A process that only scores can do
without MMEngine even there (:func:`stay_light`), and starts in a third of the time.

Example:
    >>> from mmvg.foundation import BaseMetric
    >>> BaseMetric.__module__.split('.')[0]
    'mmengine'
"""

from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from mmengine.dataset import BaseDataset
    from mmengine.dist import all_gather_object, get_rank
    from mmengine.evaluator import BaseMetric
    from mmengine.logging import print_log
    from mmengine.registry import Registry

__all__ = [
    'BaseDataset',
    'BaseMetric',
    'Registry',
    'all_gather_object',
    'get_rank',
    'print_log',
    'root_registry',
    'shared_zero',
    'stay_light',
]

#: Name -> where MMEngine has it.
_OF_MMENGINE = {
    'BaseDataset': 'mmengine.dataset',
    'BaseMetric': 'mmengine.evaluator',
    'Registry': 'mmengine.registry',
    'all_gather_object': 'mmengine.dist',
    'get_rank': 'mmengine.dist',
    'print_log': 'mmengine.logging',
}


#: Whether this process does without MMEngine although it may be installed.
_light = False


def __getattr__(name: str) -> Any:
    if name not in _OF_MMENGINE:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    found = None
    if not _light:
        with suppress(ImportError):
            found = getattr(import_module(_OF_MMENGINE[name]), name)
    if found is None:
        found = getattr(import_module('mmvg.foundation.stand_ins'), name)
    globals()[name] = found
    return found


def stay_light() -> bool:
    """Take the stand-ins for the rest of this process, unless something was looked up before.

    Returns:
        Whether they are taken.

    Example:
        >>> from mmvg.foundation import BaseMetric  # of MMEngine
        >>> stay_light()
        False
    """
    global _light
    _light = _light or not any(name in globals() for name in _OF_MMENGINE)
    return _light


def shared_zero() -> Any:
    """Return a whole number, 0, that the workers of a loader count in together; without PyTorch there are none.

    Example:
        >>> int(shared_zero())
        0
    """
    try:
        if _light:
            raise ImportError
        import torch
    except ImportError:
        return np.zeros((), dtype=np.int64)
    return torch.zeros((), dtype=torch.int64).share_memory_()


def root_registry(name: str) -> 'Registry | None':
    """Return MMEngine's own registry of that name, such as ``'MODELS'``; None without MMEngine.

    Example:
        >>> root_registry('METRICS').scope
        'mmengine'
    """
    try:
        return None if _light else getattr(import_module('mmengine.registry'), name)
    except ImportError:
        return None
