"""OmDet-Turbo (arXiv:2403.06892) of transformers on gRefCOCO: all boxes that score more than 0.3."""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.grefcoco import *
    from .._base_.models.hf_omdet_turbo import *
    from .._base_.runtime import *

box_rule = 'all'
score_thr = 0.3
grec_metric.update(score_thr='${score_thr}', comparison='>')
evaluator = ['${grec_metric}']
