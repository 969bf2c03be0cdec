"""SAM 3 (arXiv:2511.16719) of transformers on RefCOCO-M: the best box is the answer."""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.refcoco_m import *
    from .._base_.models.hf_sam3 import *
    from .._base_.runtime import *
