"""Florence-2 (arXiv:2311.06242) of transformers on RefCOCO, asked as it is."""

from mmengine.config import read_base

from mmvg.evaluation.metrics import RECMetric

with read_base():
    from .._base_.datasets.refcoco import *
    from .._base_.models.hf_florence2 import *
    from .._base_.runtime import *

evaluator = [dict(type=RECMetric, resolution='${frame}')]
