"""Registered metrics: thin classes over :mod:`mmvg.evaluation.functional`."""

from mmvg.evaluation.metrics.cover_acc import CoverAcc
from mmvg.evaluation.metrics.grec_metric import GRECMetric
from mmvg.evaluation.metrics.gres_metric import GRESMetric
from mmvg.evaluation.metrics.grounding_metric import GroundingMetric
from mmvg.evaluation.metrics.rec_metric import RECMetric
from mmvg.evaluation.metrics.res_metric import RESMetric

__all__ = ['CoverAcc', 'GRECMetric', 'GRESMetric', 'GroundingMetric', 'RECMetric', 'RESMetric']
