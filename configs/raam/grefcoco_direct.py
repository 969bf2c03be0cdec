"""RaAM-RVG (ICCV 2025) with the fusion of LAVT, "direct interaction" (Table 5(a)); val: cIoU 64.77, gIoU 67.62."""

from mmengine.config import read_base

from mmvg.models.fusions import PixelWordFusion

with read_base():
    from .grefcoco import *

model.backbone.fusion = dict(type=PixelWordFusion, image_channels='${stage_channels}', text_channels='${text_channels}')
model.neck.regions.anchor_channels = None
