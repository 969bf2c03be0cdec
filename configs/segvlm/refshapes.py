"""SegVLM in small, from scratch on RefShapes in the format of PhraseCut; see configs/cris/refshapes.py."""

from mmengine.config import read_base

from mmvg.models.losses import AdaptiveDiceMaskLoss

with read_base():
    from ..cris.refshapes import *

model.head.projector.update(deform=True, residual=True, se=True, se_ratio=8)
model.head.mask_loss = dict(
    type=AdaptiveDiceMaskLoss, resolution='${mask_resolution}', align_corners='${align_corners}'
)
