"""Compute scores: formulas on arrays in :mod:`.functional`, registered metrics over them in :mod:`.metrics`.

The metrics are imported when the first of them is asked for, so that the formulas alone cost next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmvg.evaluation.metrics import (
        ByGroup,
        CGF1Metric,
        ConfidenceMetric,
        CoverAcc,
        GraspMetric,
        GraspSuccessMetric,
        GRECMetric,
        GRESMetric,
        GroundingMetric,
        HumanRefMetric,
        InstanceF1Metric,
        MeanOverDatasets,
        PhraseCutMetric,
        PrecisionAtKMetric,
        RECMetric,
        RefL4Metric,
        RefZOMMetric,
        RESMetric,
        RRefMetric,
        VerdictMetric,
    )

__all__ = [
    'ByGroup',
    'CGF1Metric',
    'ConfidenceMetric',
    'CoverAcc',
    'GRECMetric',
    'GRESMetric',
    'GraspMetric',
    'GraspSuccessMetric',
    'GroundingMetric',
    'HumanRefMetric',
    'InstanceF1Metric',
    'MeanOverDatasets',
    'PhraseCutMetric',
    'PrecisionAtKMetric',
    'RECMetric',
    'RESMetric',
    'RRefMetric',
    'RefL4Metric',
    'RefZOMMetric',
    'VerdictMetric',
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module('mmvg.evaluation.metrics'), name)
