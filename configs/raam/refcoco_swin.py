"""RaAM-RVG (ICCV 2025) on RefCOCO, REC and RES together, Swin-B; two GPUs; val: P@0.5 91.07, mIoU 79.03."""

from mmengine.config import read_base

with read_base():
    from .refcoco import *
    from .._base_.models.raam_swin_base import *
