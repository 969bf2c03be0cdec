"""Protocols by name: a metric with its settings, as papers count."""

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mmvg.checks import suggest
from mmvg.registry import METRICS

if TYPE_CHECKING:
    from mmvg.evaluation import GroundingMetric

#: Name -> what is built. Each is explained in docs/metrics.md.
PROTOCOLS: dict[str, dict[str, Any]] = {
    'rec': dict(type='RECMetric'),
    'res': dict(type='RESMetric'),
    'res_above': dict(type='RESMetric', comparison='>'),
    'grec': dict(type='GRECMetric'),
    'grec_iou': dict(type='GRECMetric', matching='iou'),
    'gres': dict(type='GRESMetric'),
    'gres_mask': dict(type='GRESMetric', no_target_from='mask'),
    'gres_score': dict(type='GRESMetric', no_target_from='score'),
    'refzom': dict(type='RefZOMMetric'),
    'refzom_score': dict(type='RefZOMMetric', no_target_from='score'),
    'rref': dict(type='RRefMetric'),
    'rref_flag': dict(type='RRefMetric', no_target_from='flag'),
    'rref_score': dict(type='RRefMetric', no_target_from='score'),
    'phrasecut': dict(type='PhraseCutMetric'),
    'cgf1': dict(type='CGF1Metric'),
    'cgf1_boxes': dict(type='CGF1Metric', instances='boxes'),
    'set_f1': dict(type='InstanceF1Metric'),
    'precision_at_k': dict(type='PrecisionAtKMetric'),
    'ref_l4': dict(type='RefL4Metric'),
    'humanref': dict(type='HumanRefMetric'),
    'verdict': dict(type='VerdictMetric'),
    'confidence': dict(type='ConfidenceMetric'),
    'grasp': dict(type='GraspMetric'),
    'grasp_anything': dict(type='GraspSuccessMetric'),
}
#: Those that score one box per expression, so that no rule may let several count.
ONE_BOX = ('RECMetric', 'RefL4Metric')


def build_protocol(name: str, settings: Mapping[str, Any] | None = None) -> 'GroundingMetric':
    """Build the metric of a protocol.

    Args:
        name: One of ``PROTOCOLS``, or the name of a registered metric.
        settings: Arguments of the metric that replace those of the protocol.

    Raises:
        ValueError: If there is no such protocol, or it has no such setting.

    Example:
        >>> build_protocol('grec', dict(score_thr=0.5)).protocol
        {'resolution': 'original', 'matching': 'giou', 'score': '>= 0.5'}
    """
    import mmvg.evaluation.metrics  # noqa: F401  (registers them)

    cfg = PROTOCOLS.get(name, dict(type=name))
    cls = METRICS.get(cfg['type'])
    if cls is None:
        known = f'{", ".join(PROTOCOLS)} and the names of metrics'
        raise ValueError(f'unknown protocol {name!r}; known are {known}{suggest(name, PROTOCOLS)}')
    known = list(inspect.signature(cls.__init__).parameters)[1:]
    for key in settings or {}:
        if key not in known:
            raise ValueError(f'protocol {name} has no setting {key!r}; it has {", ".join(known)}{suggest(key, known)}')
    metric = METRICS.build({**cfg, **(settings or {})})
    if not hasattr(metric, 'parts') or getattr(metric, 'resolution', 'original') != 'original':
        raise ValueError(f'protocol {name} is not for files of answers, which are in original pixels')
    return metric
