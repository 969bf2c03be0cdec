"""ReLA (arXiv:2306.00968) on RefCOCO, Swin-B and BERT, 480 x 480; eight GPUs; val oIoU 73.82, mIoU 75.61."""

from mmengine.config import read_base

from mmvg.evaluation.metrics import RESMetric

with read_base():
    from .._base_.datasets.refcoco import *
    from .._base_.models.rela_swin_base import *
    from .._base_.schedules.adamw_step_300k import *

train_batch_size = 6  # per GPU, 48 in all
train_dataloader.dataset.sentence_mode = 'all'
evaluator = [dict(type=RESMetric, resolution='${frame}')]
default_hooks.checkpoint.update(save_best='res/oIoU', rule='greater')
