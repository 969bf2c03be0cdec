"""MagNet (arXiv:2312.12198) on RefCOCOg of UMD, as on RefCOCO; val (umd) oIoU 65.36."""

from mmengine.config import read_base

with read_base():
    from .refcoco import *

dataset = 'refcocog'
