"""ReLA (arXiv:2306.00968) on gRefCOCO with Swin-T (window 7); the authors' page: val cIoU 52.26, gIoU 54.44."""

from mmengine.config import read_base

with read_base():
    from .grefcoco import *

stage_channels = (96, 192, 384, 768)
model.backbone.image.update(
    depths=(2, 2, 6, 2),
    num_heads=(3, 6, 12, 24),
    window_size=7,
    checkpoint='data/weights/swin_tiny_patch4_window7_224.pth',
)
