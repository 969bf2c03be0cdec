"""Registered metrics: thin classes over :mod:`mmvg.evaluation.functional`."""

from mmvg.evaluation.metrics.by_group import ByGroup
from mmvg.evaluation.metrics.cgf1_metric import CGF1Metric
from mmvg.evaluation.metrics.confidence_metric import ConfidenceMetric
from mmvg.evaluation.metrics.cover_acc import CoverAcc
from mmvg.evaluation.metrics.grasp_metric import GraspMetric
from mmvg.evaluation.metrics.grasp_success_metric import GraspSuccessMetric
from mmvg.evaluation.metrics.grec_metric import GRECMetric
from mmvg.evaluation.metrics.gres_metric import GRESMetric
from mmvg.evaluation.metrics.grounding_metric import GroundingMetric
from mmvg.evaluation.metrics.human_ref_metric import HumanRefMetric
from mmvg.evaluation.metrics.instance_f1_metric import InstanceF1Metric
from mmvg.evaluation.metrics.mean_over_datasets import MeanOverDatasets
from mmvg.evaluation.metrics.phrasecut_metric import PhraseCutMetric
from mmvg.evaluation.metrics.precision_at_k_metric import PrecisionAtKMetric
from mmvg.evaluation.metrics.rec_metric import RECMetric
from mmvg.evaluation.metrics.ref_l4_metric import RefL4Metric
from mmvg.evaluation.metrics.refzom_metric import RefZOMMetric
from mmvg.evaluation.metrics.res_metric import RESMetric
from mmvg.evaluation.metrics.rref_metric import RRefMetric
from mmvg.evaluation.metrics.verdict_metric import VerdictMetric

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
