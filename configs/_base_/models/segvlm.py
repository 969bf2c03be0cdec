"""SegVLM (arXiv:2505.19242): CRIS with a deformable, recalibrated, residual projector and the RAF loss."""

from mmengine.config import read_base

from mmvg.models.losses import AdaptiveDiceMaskLoss

with read_base():
    from .cris import *

model.head.projector.update(deform=True, residual=True, se=True)
model.head.mask_loss = dict(
    type=AdaptiveDiceMaskLoss, resolution='${mask_resolution}', align_corners='${align_corners}'
)
