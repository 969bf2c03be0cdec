"""ReLA with Mask Grounding on RefCOCO at 224 x 224: MagNet's Table 3(d); val oIoU 67.33, RefCOCO+ 55.21."""

from mmengine.config import read_base

with read_base():
    from .refcoco_224 import *
    from .._base_.models.mask_grounding import *

aux_heads.alignment = None
model.aux_heads = '${aux_heads}'
