"""MM-Grounding-DINO (arXiv:2401.02361) of transformers on RefCOCOg of UMD, as on RefCOCO."""

from mmengine.config import read_base

with read_base():
    from .mm_grounding_dino_refcoco import *

dataset = 'refcocog'
