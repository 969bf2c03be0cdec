"""OWLv2 (arXiv:2306.09683) of transformers on gRefCOCO: all boxes that score more than 0.1."""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.grefcoco import *
    from .._base_.models.hf_owlv2 import *
    from .._base_.runtime import *

box_rule = 'all'
score_thr = 0.1
grec_metric.update(score_thr='${score_thr}', comparison='>')
evaluator = ['${grec_metric}']
