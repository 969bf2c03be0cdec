"""MagNet (arXiv:2312.12198) with Swin-B (window 12) and BERT, 480 x 480.

Weights to start from: data/weights/swin_base_patch4_window12_384_22k.pth and data/weights/bert-base-uncased/
(data/README.md says where they come from).
"""

from mmengine.config import read_base

from mmvg.models.fusions import CrossModalAlignmentFusion
from mmvg.models.heads import CrossModalAlignmentHead, MaskedQueryHead, MaskGroundingHead
from mmvg.models.losses import BinaryMaskLoss
from mmvg.models.necks import DeformablePixelDecoder
from mmvg.models.postprocess import MaskPostprocess

with read_base():
    from .lavt_swin_base import model

model.backbone.staged_text = True
model.backbone.fusion = dict(
    type=CrossModalAlignmentFusion, image_channels=(128, 256, 512, 1024), text_channels=768, scales=(1, 2, 3, 6)
)
model.neck = dict(decoder=dict(type=DeformablePixelDecoder, in_channels=(128, 256, 512, 1024), channels=256))
model.head = dict(
    type=MaskedQueryHead,
    in_channels=256,
    mask_loss=dict(type=BinaryMaskLoss, bce_weight=2.0, dice_weight=2.0),
    postprocess=dict(type=MaskPostprocess, mask_thr=0.5),
)
model.aux_heads = dict(
    grounding=dict(
        type=MaskGroundingHead, image_channels=1024, text_channels=768, embed_channels=768, vocab_size=30522
    ),
    alignment=dict(
        type=CrossModalAlignmentHead, pixel_channels=256, text_channels=768, pixel_weight=0.5, text_weight=0.5
    ),
)
