"""RaAM-RVG (ICCV 2025) on RefCOCO, REC and RES together, ViT-B; two GPUs; val: P@0.5 91.45, mIoU 79.35."""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.refcoco import *
    from .._base_.models.raam_vit_base import *
    from .._base_.runtime import *
    from .._base_.schedules.adamw_poly_60e import *

train_batch_size = 8  # per GPU, 16 in all
default_hooks.checkpoint.update(save_best='res/mIoU', rule='greater')
