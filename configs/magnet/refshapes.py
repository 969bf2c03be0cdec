"""MagNet in small, from scratch on RefShapes in the format of RefCOCO; see configs/lavt/refshapes.py."""

from mmengine.config import read_base

from mmvg.models.heads import MaskedQueryHead
from mmvg.models.losses import BinaryMaskLoss
from mmvg.models.necks import DeformablePixelDecoder
from mmvg.models.postprocess import MaskPostprocess

with read_base():
    from .._base_.models.cross_modal_alignment import *
    from .._base_.models.mask_grounding import *
    from .._base_.models.small_mask_grounding import *
    from ..lavt.refshapes import *

model.backbone.staged_text = True
model.backbone.fusion = '${alignment_fusion}'
alignment_fusion.head_channels = 8
model.neck.decoder = dict(
    type=DeformablePixelDecoder,
    in_channels='${stage_channels}',
    channels='${channels}',
    num_levels=3,  # stride 4 joins afterwards: attention over it takes most of the time on a CPU
    num_layers=1,
    num_heads=4,
    ffn_channels=128,
    norm_groups=8,
)
model.head = dict(
    type=MaskedQueryHead,
    in_channels='${channels}',
    num_layers=3,
    num_heads=4,
    ffn_channels=128,
    deep_supervision='sum',  # as its results were trained
    mask_loss=dict(type=BinaryMaskLoss, bce_weight=2.0, dice_weight=2.0, align_corners='${align_corners}'),
    postprocess=dict(type=MaskPostprocess, mask_thr=0.5, frame='${frame}', align_corners='${align_corners}'),
)
model.aux_heads.middle.update(in_channels='${channels}', level=0)
model.aux_heads.coarse.update(in_channels='${channels}', level=1)
model.aux_heads.update(grounding='${small_grounding}', alignment='${aux_heads.alignment}')
