"""MagNet as its authors released it, for their evaluation weights; RefCOCO val oIoU 75.24.

Convert a file first: ``mmvg convert magnet_refcoco.pth data/weights/magnet_refcoco.pth``. Its fusion differs from the
paper's; pictures are resized by PIL, and scored at the size of the input, as theirs are. Other data sets:
``--cfg-options dataset=refcoco+``; the weights of all three, ``magnet_all.pth``, want ``size=448`` too.
"""

from mmengine.config import read_base

from mmvg.models.fusions import PyramidWordFusion

with read_base():
    from .refcoco import *

frame = 'input'
align_corners = True  # as the authors enlarge logits
resize.backend = 'pillow'
model.backbone.fusion = dict(
    type=PyramidWordFusion, image_channels='${stage_channels}', text_channels='${text_channels}', scales=(1, 2, 3, 6)
)
model.aux_heads = None
