"""CRIS (arXiv:2111.15174) on CLIP-RN101: 416 x 416 pixels, cross-entropy, threshold 0.35."""

from mmvg.models import Grounder, GroundingPreprocessor
from mmvg.models.backbones import CLIPResNet
from mmvg.models.heads import DynamicMaskHead, VisualProjector
from mmvg.models.losses import AdaptiveDiceMaskLoss
from mmvg.models.fusions import SentenceGatedFPN, VisionLanguageDecoder
from mmvg.models.postprocess import MaskPostprocess

embed_dims = 512  # of CLIP: the sentence and the last map
text_channels = 512  # of a word
channels = 512  # of the decoder
frame = 'original'
mask_resolution = 'output'  # masks are compared on the grid of the logits, as the authors do
align_corners = False  # one rule enlarges logits for the answer and, at resolution 'input', for the loss
image_mean = [122.771, 116.746, 104.094]
image_std = [68.501, 66.632, 70.323]

model = dict(
    type=Grounder,
    data_preprocessor=dict(type=GroundingPreprocessor, mean='${image_mean}', std='${image_std}', bgr_to_rgb=True),
    backbone=dict(
        type=CLIPResNet,
        image_layers=(3, 4, 23, 3),
        embed_dims='${embed_dims}',
        out_indices=(1, 2),
        pooling='proj',
        connect=True,
        checkpoint='data/weights/RN101.pt',
    ),
    neck=dict(
        fusion=dict(
            type=SentenceGatedFPN,
            in_channels=(512, 1024, '${embed_dims}'),
            sentence_channels='${embed_dims}',
            channels=(256, '${channels}', 1024),
        ),
        decoder=dict(
            type=VisionLanguageDecoder,
            embed_dims='${channels}',
            text_channels='${text_channels}',
            num_layers=3,
            num_heads=8,
            ffn_channels=2048,
            dropout=0.1,
        ),
    ),
    neck_order=['fusion', 'decoder'],
    head=dict(
        type=DynamicMaskHead,
        projector=dict(type=VisualProjector, in_channels='${channels}', out_channels=256),
        mask_loss=dict(
            type=AdaptiveDiceMaskLoss,
            focal_weight=0.0,  # cross-entropy only
            dice_weight=0.0,
            resolution='${mask_resolution}',
            align_corners='${align_corners}',
        ),
        sentence_channels='${embed_dims}',
        postprocess=dict(
            type=MaskPostprocess,
            mask_thr=0.35,
            frame='${frame}',
            interpolation='bicubic',
            align_corners='${align_corners}',
        ),
    ),
)
