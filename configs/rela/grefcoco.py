"""ReLA (arXiv:2306.00968) on gRefCOCO, Swin-B and BERT, 480 x 480; eight GPUs; val cIoU 62.42, gIoU 63.60."""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.grefcoco import *
    from .._base_.models.rela_swin_base import *
    from .._base_.schedules.adamw_step_300k import *

max_length = 20
train_batch_size = 6  # per GPU, 48 in all
evaluator = ['${gres_metric}']
default_hooks.checkpoint.update(save_best='gres/gIoU', rule='greater')
