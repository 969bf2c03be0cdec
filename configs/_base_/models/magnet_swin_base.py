"""MagNet (arXiv:2312.12198) with Swin-B (window 12) and BERT, 480 x 480.

Weights to start from: data/weights/swin_base_patch4_window12_384_22k.pth and data/weights/bert-base-uncased/
(data/README.md says where they come from).
"""

from mmengine.config import read_base

from mmvg.models.heads import MaskedQueryHead
from mmvg.models.losses import BinaryMaskLoss
from mmvg.models.necks import DeformablePixelDecoder
from mmvg.models.postprocess import MaskPostprocess

with read_base():
    from .cross_modal_alignment import *
    from .lavt_swin_base import *
    from .mask_grounding import *

channels = 256
model.backbone.staged_text = True
model.backbone.fusion = '${alignment_fusion}'
model.neck = dict(decoder=dict(type=DeformablePixelDecoder, in_channels='${stage_channels}', channels='${channels}'))
model.head = dict(
    type=MaskedQueryHead,
    in_channels='${channels}',
    mask_loss=dict(type=BinaryMaskLoss, bce_weight=2.0, dice_weight=2.0, align_corners='${align_corners}'),
    postprocess=dict(type=MaskPostprocess, mask_thr=0.5, frame='${frame}', align_corners='${align_corners}'),
)
model.aux_heads = '${aux_heads}'
