"""ReLA (arXiv:2306.00968) with Swin-B (window 12) and BERT, 480 x 480.

Weights to start from: data/weights/swin_base_patch4_window12_384_22k.pth and data/weights/bert-base-uncased/
(data/README.md says where they come from).
"""

from mmengine.config import read_base

from mmvg.models.heads import MinimapMaskHead, RegionDecoder
from mmvg.models.losses import BinaryMaskLoss, NoTargetLoss, RegionMinimapLoss
from mmvg.models.necks import DeformablePixelDecoder
from mmvg.models.postprocess import MaskPostprocess

with read_base():
    from .lavt_swin_base import *

channels = 256
mask_rule = 'half'
align_corners = False
class_weights = (0.9, 1.1)  # of background and target, in all three losses

model.data_preprocessor.trim_text = False
model.neck.decoder = dict(
    type=DeformablePixelDecoder,
    in_channels='${stage_channels}',
    channels='${channels}',
    num_levels=3,  # stride 4 joins afterwards
    num_layers=6,
    input_norm=True,
)
model.head = dict(
    type=MinimapMaskHead,
    in_channels='${channels}',
    decoder=dict(
        type=RegionDecoder,
        in_channels='${channels}',
        text_channels='${text_channels}',
        num_regions=100,
        num_layers=9,
        reads_padding=True,  # as the released weights have learned it; so all texts have one length
    ),
    mask_loss=dict(
        type=BinaryMaskLoss,
        bce_weight=5.0,
        dice_weight=0.0,
        class_weights='${class_weights}',
        align_corners='${align_corners}',
    ),
    minimap_loss=dict(type=RegionMinimapLoss, loss_weight=0.5, class_weights='${class_weights}'),
    no_target_loss=dict(type=NoTargetLoss, loss_weight=0.5, class_weights='${class_weights}'),
    postprocess=dict(
        type=MaskPostprocess, mask_thr=0.5, score_thr=0.5, frame='${frame}', align_corners='${align_corners}'
    ),
)
# the authors train the first ten layers of BERT
model.frozen = ['backbone.text.bert.embeddings', 'backbone.text.bert.encoder.layer.1[01]']
