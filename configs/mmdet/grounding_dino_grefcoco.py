"""MM-Grounding-DINO (arXiv:2401.02361) of mmdetection on gRefCOCO: all boxes that score more than 0.7.

The threshold is that of gRefCOCO's evaluator and of mmdetection.
"""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.grefcoco import *
    from .._base_.models.mmdet_grounding_dino import *
    from .._base_.runtime import *

box_rule = 'all'
score_thr = 0.7
grec_metric.update(score_thr='${score_thr}', comparison='>')
evaluator = ['${grec_metric}']
