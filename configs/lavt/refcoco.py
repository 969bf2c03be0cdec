"""LAVT (arXiv:2112.02244) on RefCOCO, Swin-B and BERT, 480 x 480; four GPUs; val oIoU 72.73, mIoU 74.46."""

from mmengine.config import read_base

from mmvg.evaluation.metrics import RESMetric

with read_base():
    from .._base_.datasets.refcoco import *
    from .._base_.models.lavt_swin_base import *
    from .._base_.runtime import *
    from .._base_.schedules.adamw_poly_40e import *

train_batch_size = 8  # per GPU, 32 in all
evaluator = [dict(type=RESMetric, resolution='${frame}')]
sync_bn = 'torch'
default_hooks.checkpoint.update(save_best='res/oIoU', rule='greater')
