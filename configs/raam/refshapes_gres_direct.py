"""refshapes_gres.py with the fusion of LAVT, "direct interaction", in place of anchors (Table 5(a))."""

from mmengine.config import read_base

from mmvg.models.fusions import PixelWordFusion

with read_base():
    from .refshapes_gres import *

model.backbone.fusion = dict(type=PixelWordFusion, image_channels='${stage_channels}', text_channels='${text_channels}')
model.neck.regions.anchor_channels = None
