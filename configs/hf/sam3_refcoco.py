"""SAM 3 (arXiv:2511.16719) of transformers on RefCOCO, asked as it is."""

from mmengine.config import read_base

from mmvg.evaluation.metrics import RECMetric, RESMetric

with read_base():
    from .._base_.datasets.refcoco import *
    from .._base_.models.hf_sam3 import *
    from .._base_.runtime import *

evaluator = [dict(type=RECMetric, resolution='${frame}'), dict(type=RESMetric, resolution='${frame}')]
