"""EEVG (arXiv:2408.01120) with ViTDet-B and BERT, 448 x 448, for REC and RES together.

Weights to start from: data/weights/vitdet_b.pkl and data/weights/bert-base-uncased/ (data/README.md says where they
come from). ViTDet's detector has seen the pictures of the validation and test splits; any ViT-B/16 of timm or MAE can
take its place: ``--cfg-options model.backbone.image.checkpoint=data/weights/mae_pretrain_vit_base.pth``.
"""

from mmvg.datasets.tokenizers import BertTokenizer
from mmvg.models import Grounder, GroundingPreprocessor
from mmvg.models.backbones import BertTextEncoder, TwoTowerEncoder, ViTStages
from mmvg.models.fusions import LanguageDecoder
from mmvg.models.heads import SparseTokenHead
from mmvg.models.layers import TokenElimination
from mmvg.models.losses import EdgeWeightedMaskLoss, SingleBoxLoss
from mmvg.models.necks import FeatureProjection
from mmvg.models.postprocess import MaskPostprocess

size = 448
patch_size = 16
max_length = 40
reader = 'raw'
frame = 'original'
bert = 'data/weights/bert-base-uncased'
tokenizer = dict(type=BertTokenizer, vocab='${bert}')
image_channels = 768
text_channels = 768
channels = 768
image_mean = [123.675, 116.28, 103.53]
image_std = [58.395, 57.12, 57.375]

model = dict(
    type=Grounder,
    data_preprocessor=dict(type=GroundingPreprocessor, mean='${image_mean}', std='${image_std}', bgr_to_rgb=True),
    backbone=dict(
        type=TwoTowerEncoder,
        image=dict(
            type=ViTStages,
            img_size='${size}',
            patch_size='${patch_size}',
            embed_dims='${image_channels}',
            num_layers=12,
            num_heads=12,
            num_stages=1,
            drop_path_rate=0.1,
            window=14,
            global_blocks=(2, 5, 8, 11),
            checkpoint='data/weights/vitdet_b.pkl',
        ),
        text=dict(type=BertTextEncoder, checkpoint='${bert}'),
    ),
    neck=dict(
        projection=dict(
            type=FeatureProjection,
            image_channels='${image_channels}',
            text_channels='${text_channels}',
            out_channels='${channels}',
            bias=True,
        ),
        decoder=dict(
            type=LanguageDecoder,
            img_size='${size}',
            patch_size='${patch_size}',
            max_length='${max_length}',
            embed_dims='${channels}',
            num_layers=3,
            num_heads=8,
            ffn_channels=1024,
            dropout=0.1,
            elimination=dict(type=TokenElimination, threshold=0.015, keep_rate=0.1, compact=True),
        ),
    ),
    neck_order=['projection', 'decoder'],
    head=dict(
        type=SparseTokenHead,
        in_channels='${channels}',
        patch_size='${patch_size}',
        mask_loss=dict(type=EdgeWeightedMaskLoss, edge_weight=1.0),  # no edges: focal and dice
        box_loss=dict(type=SingleBoxLoss, loss_weight=0.1, beta=0.0),  # L1
        postprocess=dict(type=MaskPostprocess, mask_thr=0.5, score_thr=0.0, frame='${frame}'),
    ),
)
