"""OmDet-Turbo (arXiv:2403.06892) of transformers on RefCOCOg of UMD, as on RefCOCO."""

from mmengine.config import read_base

with read_base():
    from .omdet_turbo_refcoco import *

dataset = 'refcocog'
