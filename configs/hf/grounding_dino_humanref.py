"""Grounding DINO (arXiv:2303.05499) of transformers on HumanRef: all boxes that score more than 0.25, its default."""

from mmengine.config import read_base

from mmvg.evaluation.metrics import HumanRefMetric

with read_base():
    from .._base_.datasets.humanref import *
    from .._base_.models.hf_grounding_dino import *
    from .._base_.runtime import *

box_rule = 'all'
score_thr = 0.25
evaluator = [dict(type=HumanRefMetric, score_thr='${score_thr}', comparison='>', resolution='${frame}')]
