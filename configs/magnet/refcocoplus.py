"""MagNet (arXiv:2312.12198) on RefCOCO+, as on RefCOCO; val oIoU 66.16."""

from mmengine.config import read_base

with read_base():
    from .refcoco import *

dataset = 'refcoco+'
