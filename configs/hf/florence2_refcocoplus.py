"""Florence-2 (arXiv:2311.06242) of transformers on RefCOCO+, as on RefCOCO."""

from mmengine.config import read_base

with read_base():
    from .florence2_refcoco import *

dataset = 'refcoco+'
