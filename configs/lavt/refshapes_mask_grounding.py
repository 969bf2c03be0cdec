"""LAVT with Mask Grounding in small: MagNet's Table 3(d) on RefShapes, beside refshapes.py."""

from mmengine.config import read_base

with read_base():
    from .._base_.models.small_mask_grounding import *
    from .refshapes import *

model.aux_heads.update(grounding='${small_grounding}')
