"""The tiny LAVT with a Mix Transformer of mmsegmentation in Swin's place."""

from mmengine.config import read_base
from mmseg.models.backbones import MixVisionTransformer

from mmvg.models.backbones import ImageBackbone

with read_base():
    from .tiny import *

mit = dict(type=MixVisionTransformer, embed_dims=8, num_layers=[1, 1, 1, 1], num_heads=[1, 2, 4, 8])
model.backbone.image = dict(type=ImageBackbone, backbone='${mit}')
