"""SimVG (arXiv:2409.17531) on RefCOCOg (umd), BEiT-3 large, both branches in one training of 30 epochs."""

from mmengine.config import read_base

with read_base():
    from .refcoco_large import *

dataset = 'refcocog'
