"""LAVT with RaAM in place of its fusion, on gRefCOCO (RaAM-RVG, Table 4): val cIoU 61.45, gIoU 62.87."""

from mmengine.config import read_base

from mmvg.models.fusions import RegionAwareFusion

with read_base():
    from .grefcoco_lavt import *

# LAVT's decoder reads no anchors
model.backbone.fusion = dict(
    type=RegionAwareFusion, image_channels='${stage_channels}', text_channels='${text_channels}', final_anchors=False
)
