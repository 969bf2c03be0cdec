"""SAM 3 (arXiv:2511.16719) of transformers on gRefCOCO: all boxes that score more than 0.5."""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.grefcoco import *
    from .._base_.models.hf_sam3 import *
    from .._base_.runtime import *

box_rule = 'all'
score_thr = 0.5
grec_metric.update(score_thr='${score_thr}', comparison='>')
