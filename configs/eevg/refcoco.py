"""EEVG (arXiv:2408.01120) on RefCOCO, REC and RES together, ViTDet-B; four GPUs; val: P@0.5 88.08, mIoU 78.23."""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.refcoco import *
    from .._base_.models.eevg_vit_base import *
    from .._base_.pipelines.scale_crop import *
    from .._base_.runtime import *
    from .._base_.schedules.adamw_poly_150e import *

train_batch_size = 20  # per GPU, 80 in all
train_dataloader.dataset.sentence_mode = 'all'
default_hooks.checkpoint.update(save_best='res/mIoU', rule='greater')
