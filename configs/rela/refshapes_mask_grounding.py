"""ReLA with Mask Grounding in small: MagNet's Table 3(d) on RefShapes, beside refshapes.py."""

from mmengine.config import read_base

with read_base():
    from .._base_.models.mask_grounding import *
    from .refshapes import *

aux_heads.alignment = None
aux_heads.grounding.update(
    channels=64,
    num_layers=2,
    num_heads=4,
    ffn_channels=128,
    dropout=0.0,
    mask_id=None,  # the vocabulary of words has no [MASK]
)
model.aux_heads = '${aux_heads}'
