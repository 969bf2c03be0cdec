"""SAM 3 (arXiv:2511.16719) of transformers on RefCOCOg of UMD, as on RefCOCO."""

from mmengine.config import read_base

with read_base():
    from .sam3_refcoco import *

dataset = 'refcocog'
