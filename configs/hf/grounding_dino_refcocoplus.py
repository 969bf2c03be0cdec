"""Grounding DINO (arXiv:2303.05499) of transformers on RefCOCO+, as on RefCOCO."""

from mmengine.config import read_base

with read_base():
    from .grounding_dino_refcoco import *

dataset = 'refcoco+'
