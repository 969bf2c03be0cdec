"""LAVT with Mask Grounding and the alignment loss at 224 x 224: rows of MagNet's Tables 3(a) to (d) and (f)."""

from mmengine.config import read_base

with read_base():
    from ..lavt.refcoco_224 import *
    from .._base_.models.mask_grounding import *

model.aux_heads = '${aux_heads}'
