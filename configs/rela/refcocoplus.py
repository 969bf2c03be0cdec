"""ReLA (arXiv:2306.00968) on RefCOCO+, as on RefCOCO; val oIoU 66.04."""

from mmengine.config import read_base

with read_base():
    from .refcoco import *

dataset = 'refcoco+'
