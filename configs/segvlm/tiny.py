"""SegVLM for tests: every part, a few channels wide, four steps on one core; see configs/_base_/tiny_run.py."""

from mmengine.config import read_base

from mmvg.models.losses import AdaptiveDiceMaskLoss

with read_base():
    from ..cris.tiny import *

model.head.projector.update(deform=True, residual=True, se=True, se_ratio=8)
model.head.mask_loss = dict(
    type=AdaptiveDiceMaskLoss, resolution='${mask_resolution}', align_corners='${align_corners}'
)
