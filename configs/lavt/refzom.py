"""LAVT (arXiv:2112.02244) on Ref-ZOM, as on gRefCOCO; test oIoU 64.78, mIoU 64.45, Acc 83.11.

Ref-ZOM has no val: the scores after each epoch are of test, and choose no checkpoint.
"""

from mmengine.config import read_base

from mmvg.evaluation.metrics import RefZOMMetric

with read_base():
    from .._base_.datasets.refzom import *
    from .._base_.models.lavt_swin_base import *
    from .._base_.runtime import *
    from .._base_.schedules.adamw_poly_40e import *

max_length = 20
train_batch_size = 8  # per GPU, 32 in all
evaluator = [dict(type=RefZOMMetric, resolution='${frame}')]
sync_bn = 'torch'
