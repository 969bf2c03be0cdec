"""Qwen3-VL (arXiv:2511.21631) of transformers on RefCOCO, asked as it is."""

from mmengine.config import read_base

from mmvg.evaluation.metrics import RECMetric

with read_base():
    from .._base_.datasets.refcoco import *
    from .._base_.models.hf_qwen3_vl import *
    from .._base_.runtime import *

evaluator = [dict(type=RECMetric, resolution='${frame}')]
