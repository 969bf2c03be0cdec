"""LAVT with masked vision-language modelling at 224 x 224, of words and of patches: MagNet's Table 3(a)."""

from mmengine.config import read_base

from mmvg.models.heads import MaskedPatchesHead

with read_base():
    from .refcoco_224 import *

aux_heads.grounding.inputs = ['text', 'image']
aux_heads.alignment = None
aux_heads.patches = dict(type=MaskedPatchesHead, image_channels='${stage_channels.3}', text_channels='${text_channels}')
