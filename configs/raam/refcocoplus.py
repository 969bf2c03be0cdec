"""RaAM-RVG (ICCV 2025) on RefCOCO+, ViT-B; two GPUs; val: P@0.5 84.78, mIoU 69.54."""

from mmengine.config import read_base

with read_base():
    from .refcoco import *

dataset = 'refcoco+'
