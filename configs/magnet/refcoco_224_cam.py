"""The same with the alignment module in place of LAVT's fusion: MagNet's Table 3(e) and Figure 7."""

from mmengine.config import read_base

with read_base():
    from .._base_.models.cross_modal_alignment import *
    from .refcoco_224 import *

model.backbone.staged_text = True
model.backbone.fusion = '${alignment_fusion}'
