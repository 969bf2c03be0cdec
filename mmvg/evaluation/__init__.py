"""Compute scores: formulas on arrays in :mod:`.functional`, registered metrics over them in :mod:`.metrics`."""

from mmvg.evaluation.metrics import (
    CoverAcc,
    GraspMetric,
    GraspSuccessMetric,
    GRECMetric,
    GRESMetric,
    GroundingMetric,
    MeanOverDatasets,
    PhraseCutMetric,
    RECMetric,
    RefZOMMetric,
    RESMetric,
    RRefMetric,
)

__all__ = [
    'CoverAcc',
    'GRECMetric',
    'GRESMetric',
    'GraspMetric',
    'GraspSuccessMetric',
    'GroundingMetric',
    'MeanOverDatasets',
    'PhraseCutMetric',
    'RECMetric',
    'RESMetric',
    'RRefMetric',
    'RefZOMMetric',
]
