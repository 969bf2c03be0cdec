"""MM-Grounding-DINO (arXiv:2401.02361) of mmdetection on RefCOCO, asked as it is."""

from mmengine.config import read_base

from mmvg.evaluation.metrics import RECMetric

with read_base():
    from .._base_.datasets.refcoco import *
    from .._base_.models.mmdet_grounding_dino import *
    from .._base_.runtime import *

evaluator = [dict(type=RECMetric, resolution='${frame}')]
