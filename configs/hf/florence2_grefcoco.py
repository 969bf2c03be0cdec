"""Florence-2 (arXiv:2311.06242) of transformers on gRefCOCO: all boxes that it names."""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.grefcoco import *
    from .._base_.models.hf_florence2 import *
    from .._base_.runtime import *

box_rule = 'all'
score_thr = 0.0
grec_metric.update(score_thr='${score_thr}', comparison='>')
evaluator = ['${grec_metric}']
