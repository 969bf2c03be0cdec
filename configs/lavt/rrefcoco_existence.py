"""LAVT+ (arXiv:2209.09554): LAVT with a head that says whether anything is meant, on R-RefCOCO.

val mIoU 54.70, mRR 82.39, rIoU 40.11. The other two: ``--cfg-options dataset=rrefcoco+`` (45.99, 86.35, 39.71) and
``dataset=rrefcocog`` (47.22, 81.45, 35.46).
"""

from mmengine.config import read_base

from mmvg.evaluation.metrics import RRefMetric
from mmvg.models.losses import NoTargetLoss

with read_base():
    from .rrefcoco import *

model.head.no_target_loss = dict(type=NoTargetLoss, loss_weight=1.0, class_weights=(1.0, 1.0))
model.head.postprocess.score_thr = 0.5
evaluator = [dict(type=RRefMetric, no_target_from='flag', resolution='${frame}')]
