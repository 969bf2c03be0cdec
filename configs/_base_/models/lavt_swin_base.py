"""LAVT (arXiv:2112.02244) with Swin-B (window 12) and BERT, 480 x 480.

Weights to start from: data/weights/swin_base_patch4_window12_384_22k.pth and data/weights/bert-base-uncased/
(data/README.md says where they come from).
"""

from mmvg.datasets.tokenizers import BertTokenizer
from mmvg.models import Grounder, GroundingPreprocessor
from mmvg.models.backbones import BertTextEncoder, StagedEncoder, SwinStages
from mmvg.models.fusions import PixelWordFusion
from mmvg.models.heads import PixelMaskHead
from mmvg.models.losses import BinaryMaskLoss
from mmvg.models.necks import TopDownDecoder
from mmvg.models.postprocess import MaskPostprocess

size = 480
reader = 'raw'
frame = 'original'
mask_rule = 'center'  # the authors', for frame 'input'
bert = 'data/weights/bert-base-uncased'
tokenizer = dict(type=BertTokenizer, vocab='${bert}')
stage_channels = (128, 256, 512, 1024)
text_channels = 768
channels = 512  # of the decoder
align_corners = True  # one rule enlarges logits for the loss and for the answer
image_mean = [123.675, 116.28, 103.53]
image_std = [58.395, 57.12, 57.375]

model = dict(
    type=Grounder,
    data_preprocessor=dict(type=GroundingPreprocessor, mean='${image_mean}', std='${image_std}', bgr_to_rgb=True),
    backbone=dict(
        type=StagedEncoder,
        image=dict(
            type=SwinStages,
            embed_dims='${stage_channels.0}',
            depths=(2, 2, 18, 2),
            num_heads=(4, 8, 16, 32),
            window_size=12,
            drop_path_rate=0.3,
            checkpoint='data/weights/swin_base_patch4_window12_384_22k.pth',
        ),
        text=dict(type=BertTextEncoder, checkpoint='${bert}'),
        fusion=dict(type=PixelWordFusion, image_channels='${stage_channels}', text_channels='${text_channels}'),
    ),
    neck=dict(decoder=dict(type=TopDownDecoder, in_channels='${stage_channels}', channels='${channels}')),
    neck_order=['decoder'],
    head=dict(
        type=PixelMaskHead,
        in_channels='${channels}',
        num_logits=2,
        mask_loss=dict(
            type=BinaryMaskLoss, dice_weight=0.0, class_weights=(0.9, 1.1), align_corners='${align_corners}'
        ),
        postprocess=dict(type=MaskPostprocess, mask_thr=0.5, frame='${frame}', align_corners='${align_corners}'),
    ),
    aux_heads=None,
)
