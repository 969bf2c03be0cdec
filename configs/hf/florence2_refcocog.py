"""Florence-2 (arXiv:2311.06242) of transformers on RefCOCOg of UMD, as on RefCOCO."""

from mmengine.config import read_base

with read_base():
    from .florence2_refcoco import *

dataset = 'refcocog'
