"""RaAM-RVG (ICCV 2025) on RefCOCOg (UMD), Swin-B; two GPUs; val: P@0.5 86.31, mIoU 70.95."""

from mmengine.config import read_base

with read_base():
    from .refcoco_swin import *

dataset = 'refcocog'
