"""ReLA (arXiv:2306.00968) on RefCOCOg of UMD, as on RefCOCO; val (umd) oIoU 65.00."""

from mmengine.config import read_base

with read_base():
    from .refcoco import *

dataset = 'refcocog'
