"""MagNet (arXiv:2312.12198) on RefCOCO, Swin-B and BERT, 480 x 480; four GPUs; val oIoU 75.24, mIoU 77.43."""

from mmengine.config import read_base

from mmvg.evaluation.metrics import RESMetric

with read_base():
    from .._base_.datasets.refcoco import *
    from .._base_.models.magnet_swin_base import *
    from .._base_.runtime import *
    from .._base_.schedules.adamw_poly_40e import *

train_batch_size = 8  # per GPU, 32 in all
evaluator = [dict(type=RESMetric, resolution='${frame}')]
optim_wrapper.clip_grad = dict(max_norm=0.1)
default_hooks.checkpoint.update(save_best='res/oIoU', rule='greater')
