"""RaAM-RVG (ICCV 2025) on RefCOCOg (UMD), ViT-B; two GPUs; val: P@0.5 86.78, mIoU 71.30."""

from mmengine.config import read_base

with read_base():
    from .refcoco import *

dataset = 'refcocog'
