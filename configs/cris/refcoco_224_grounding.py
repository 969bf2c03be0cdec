"""CRIS with Mask Grounding (arXiv:2312.12198) at 224 x 224: MagNet's Table 3(d); val oIoU 65.56, RefCOCO+ 56.23."""

from mmengine.config import read_base

from mmvg.models.heads import MaskGroundingHead

with read_base():
    from .refcoco_224 import *

vocab_size = 49408  # of CLIP
model.aux_heads = dict(
    grounding=dict(
        type=MaskGroundingHead,
        image_channels='${embed_dims}',
        text_channels='${text_channels}',
        embed_channels='${text_channels}',
        vocab_size='${vocab_size}',
        mask_id=None,  # CLIP has no [MASK]
    )
)
