"""OWLv2 (arXiv:2306.09683) of transformers on RefCOCOg of UMD, as on RefCOCO."""

from mmengine.config import read_base

with read_base():
    from .owlv2_refcoco import *

dataset = 'refcocog'
