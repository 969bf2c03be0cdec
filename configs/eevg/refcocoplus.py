"""EEVG (arXiv:2408.01120) on RefCOCO+, REC and RES together, ViTDet-B; four GPUs; val: P@0.5 77.97, mIoU 69.04."""

from mmengine.config import read_base

with read_base():
    from .refcoco import *

dataset = 'refcoco+'
