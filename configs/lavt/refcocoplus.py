"""LAVT (arXiv:2112.02244) on RefCOCO+, as on RefCOCO; val oIoU 62.14."""

from mmengine.config import read_base

with read_base():
    from .refcoco import *

dataset = 'refcoco+'
