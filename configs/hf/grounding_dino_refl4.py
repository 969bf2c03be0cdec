"""Grounding DINO (arXiv:2303.05499) of transformers on Ref-L4: the best box is the answer."""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.ref_l4 import *
    from .._base_.models.hf_grounding_dino import *
    from .._base_.runtime import *
