"""CRIS (arXiv:2111.15174) on RefCOCO with timm's ConvNeXt-T (arXiv:2201.03545) beside the text tower of CLIP-RN101."""

from mmengine.config import read_base

from mmvg.models.backbones import CLIPTextEncoder, ImageBackbone, TwoTowerEncoder

with read_base():
    from .refcoco import *

image_mean = [123.675, 116.28, 103.53]
image_std = [58.395, 57.12, 57.375]
convnext = dict(type='timm', model_name='convnext_tiny', out_indices=(1, 2, 3))
model.backbone = dict(
    type=TwoTowerEncoder,
    image=dict(
        type=ImageBackbone, backbone='${convnext}', checkpoint='data/weights/convnext_tiny.fb_in22k.safetensors'
    ),
    text=dict(type=CLIPTextEncoder, out_channels='${embed_dims}', checkpoint='data/weights/RN101.pt'),
)
model.neck.fusion.in_channels = (192, 384, 768)
