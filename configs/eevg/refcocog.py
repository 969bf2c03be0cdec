"""EEVG (arXiv:2408.01120) on RefCOCOg (UMD), REC and RES, ViTDet-B; four GPUs; val: P@0.5 79.60, mIoU 69.15."""

from mmengine.config import read_base

with read_base():
    from .refcoco import *

dataset = 'refcocog'
