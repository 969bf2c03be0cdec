"""LAVT (arXiv:2112.02244) on RefCOCOg of UMD, as on RefCOCO; val (umd) oIoU 61.24."""

from mmengine.config import read_base

with read_base():
    from .refcoco import *

dataset = 'refcocog'
