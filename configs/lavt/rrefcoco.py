"""LAVT (arXiv:2112.02244) on R-RefCOCO; val mIoU 69.59, mRR 58.25, rIoU 36.20.

An empty mask says that nothing is meant. An item is a ref, whose sentence, positive or negative, is drawn. The other
two: ``--cfg-options dataset=rrefcoco+`` (56.99, 73.45, 36.98) and ``dataset=rrefcocog`` (59.52, 61.60, 34.91).
"""

from mmengine.config import read_base

from mmvg.evaluation.metrics import RRefMetric

with read_base():
    from .._base_.datasets.rrefcoco import *
    from .._base_.models.lavt_swin_base import *
    from .._base_.runtime import *
    from .._base_.schedules.adamw_poly_40e import *

max_length = 20
train_batch_size = 8  # per GPU, 32 in all
evaluator = [dict(type=RRefMetric, resolution='${frame}')]
sync_bn = 'torch'
default_hooks.checkpoint.update(save_best='rref/rIoU', rule='greater')
