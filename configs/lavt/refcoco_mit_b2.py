"""LAVT (arXiv:2112.02244) on RefCOCO with SegFormer's Mix Transformer MiT-B2 (arXiv:2105.15203) in Swin-B's place."""

from mmengine.config import read_base
from mmseg.models.backbones import MixVisionTransformer

from mmvg.models.backbones import ImageBackbone

with read_base():
    from .refcoco import *

stage_channels = (64, 128, 320, 512)
mit = dict(type=MixVisionTransformer, num_layers=[3, 4, 6, 3], num_heads=[1, 2, 5, 8], drop_path_rate=0.1)
model.backbone.image = dict(type=ImageBackbone, backbone='${mit}', checkpoint='data/weights/mit_b2.pth')
