"""RaAM-RVG (ICCV 2025) with ViT-B/16 and BERT, 448 x 448, for REC and RES together.

Weights to start from: data/weights/vit_base_patch16_224.augreg_in21k.safetensors and data/weights/bert-base-uncased/
(data/README.md says where they come from). Without them,
``--cfg-options model.backbone.image.checkpoint=None model.backbone.text.checkpoint=None`` trains from scratch.
"""

from mmvg.datasets.tokenizers import BertTokenizer
from mmvg.models import Grounder, GroundingPreprocessor
from mmvg.models.backbones import BertTextEncoder, StagedEncoder, ViTStages
from mmvg.models.fusions import RegionAwareFusion
from mmvg.models.heads import RegionHead
from mmvg.models.losses import EdgeWeightedMaskLoss, RegionPresenceLoss, SingleBoxLoss
from mmvg.models.fusions import RegionModulation
from mmvg.models.postprocess import MaskPostprocess

size = 448
max_length = 40
reader = 'raw'
frame = 'original'
bert = 'data/weights/bert-base-uncased'
tokenizer = dict(type=BertTokenizer, vocab='${bert}')
stage_channels = (768, 768, 768, 768)
region_channels = (768, 768, 768)  # the map of the first stage is left out
joined_channels = 2304  # these three side by side
text_channels = 768
image_mean = [127.5, 127.5, 127.5]  # what the augreg files of timm expect
image_std = [127.5, 127.5, 127.5]

model = dict(
    type=Grounder,
    data_preprocessor=dict(type=GroundingPreprocessor, mean='${image_mean}', std='${image_std}', bgr_to_rgb=True),
    backbone=dict(
        type=StagedEncoder,
        image=dict(
            type=ViTStages,
            img_size='${size}',
            embed_dims='${stage_channels.0}',
            num_layers=12,
            num_heads=12,
            drop_path_rate=0.1,
            checkpoint='data/weights/vit_base_patch16_224.augreg_in21k.safetensors',
        ),
        text=dict(type=BertTextEncoder, checkpoint='${bert}'),
        fusion=dict(
            type=RegionAwareFusion,
            image_channels='${stage_channels}',
            text_channels='${text_channels}',
            num_anchors=16,
            num_init_stages=2,
            gate=True,
            learn_alpha1=True,
            learn_alpha2=True,
        ),
        layer_fusion=True,
    ),
    neck=dict(
        regions=dict(type=RegionModulation, in_channels='${region_channels}', anchor_channels='${stage_channels.3}')
    ),
    head=dict(
        type=RegionHead,
        in_channels='${joined_channels}',
        patch_size=16,
        num_regions=16,
        region_loss=dict(type=RegionPresenceLoss, loss_weight=0.1),
        mask_loss=dict(type=EdgeWeightedMaskLoss, loss_weight=1.0, edge_weight=1.2),
        box_loss=dict(type=SingleBoxLoss, loss_weight=0.1),
        regions_decide=False,
        postprocess=dict(type=MaskPostprocess, mask_thr=0.5, score_thr=0.0, frame='${frame}'),
    ),
)
