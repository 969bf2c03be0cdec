"""RaAM-RVG (ICCV 2025) on RefCOCO+, Swin-B; two GPUs; val: P@0.5 85.02, mIoU 69.51."""

from mmengine.config import read_base

with read_base():
    from .refcoco_swin import *

dataset = 'refcoco+'
