"""Grounding DINO (arXiv:2303.05499) of transformers on RefCOCO, asked as it is."""

from mmengine.config import read_base

from mmvg.evaluation.metrics import RECMetric

with read_base():
    from .._base_.datasets.refcoco import *
    from .._base_.models.hf_grounding_dino import *
    from .._base_.runtime import *

evaluator = [dict(type=RECMetric, resolution='${frame}')]
