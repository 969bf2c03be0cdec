"""What reading data and scoring take from MMEngine, or from small stand-ins where MMEngine is not installed.

Reading data sets, checking them and scoring files of answers need arrays and nothing else, so they run without PyTorch
and MMEngine. Data sets and metrics are still those of MMEngine wherever it is installed: each name below is looked up
when it is first asked for, in MMEngine before :mod:`mmvg.foundation.stand_ins`.

Example:
    >>> from mmvg.foundation import BaseMetric
    >>> BaseMetric.__module__.split('.')[0]
    'mmengine'
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmengine.dataset import BaseDataset
    from mmengine.dist import all_gather_object, get_rank
    from mmengine.evaluator import BaseMetric
    from mmengine.logging import print_log
    from mmengine.registry import Registry

__all__ = ['BaseDataset', 'BaseMetric', 'Registry', 'all_gather_object', 'get_rank', 'print_log', 'root_registry']

#: Name -> where MMEngine has it.
_OF_MMENGINE = {
    'BaseDataset': 'mmengine.dataset',
    'BaseMetric': 'mmengine.evaluator',
    'Registry': 'mmengine.registry',
    'all_gather_object': 'mmengine.dist',
    'get_rank': 'mmengine.dist',
    'print_log': 'mmengine.logging',
}


def __getattr__(name: str) -> Any:
    if name not in _OF_MMENGINE:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    try:
        found = getattr(import_module(_OF_MMENGINE[name]), name)
    except ImportError:
        found = getattr(import_module('mmvg.foundation.stand_ins'), name)
    globals()[name] = found
    return found


def root_registry(name: str) -> 'Registry | None':
    """Return MMEngine's own registry of that name, such as ``'MODELS'``; None without MMEngine.

    Example:
        >>> root_registry('METRICS').scope
        'mmengine'
    """
    try:
        return getattr(import_module('mmengine.registry'), name)
    except ImportError:
        return None
