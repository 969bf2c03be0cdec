"""The tiny CRIS with a ConvNeXt of timm as image tower."""

from mmengine.config import read_base

from mmvg.models.backbones import CLIPTextEncoder, ImageBackbone, TwoTowerEncoder

with read_base():
    from .tiny import *

convnext = dict(
    type='timm', model_name='convnext_atto', depths=(1, 1, 1, 1), dims=(8, 16, 24, 32), out_indices=(1, 2, 3)
)
model.backbone = dict(
    type=TwoTowerEncoder,
    image=dict(type=ImageBackbone, backbone='${convnext}'),
    text=dict(
        type=CLIPTextEncoder,
        embed_dims='${text_channels}',
        num_layers=1,
        head_channels=8,
        vocab_size=128,
        max_positions=16,
        out_channels='${embed_dims}',
    ),
)
model.neck.fusion.in_channels = (16, 24, 32)
