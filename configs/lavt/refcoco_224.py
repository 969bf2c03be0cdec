"""LAVT on RefCOCO at 224 x 224 for 10 epochs: the baseline of MagNet's ablations; val oIoU 67.08, RefCOCO+ 55.98."""

from mmengine.config import read_base

with read_base():
    from .refcoco import *

size = 224
max_epochs = 10
