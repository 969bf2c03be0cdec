"""SimVG (arXiv:2409.17531) with BEiT-3 base, 640 x 640 pixels in patches of 32, one query; the token branch answers.

The decoder branch: ``--cfg-options model.head.branch=decoder``. Weights to start from:
data/weights/beit3_base_patch16_224.pth (data/README.md says where it comes from), whose patches of 16 pixels are
enlarged. Without them, ``--cfg-options model.backbone.checkpoint=None`` trains from scratch.
"""

from mmdet.models.task_modules.assigners import BBoxL1Cost, ClassificationCost, HungarianAssigner, IoUCost

from mmvg.models import Grounder, GroundingPreprocessor
from mmvg.models.backbones import BEiT3
from mmvg.models.heads import DistilledBoxHead
from mmvg.models.losses import DetectionCriterion, SetMatcher, WeightBalancedDistillation
from mmvg.models.necks import DETRDecoder, FeatureProjection, TextGuidedQueryGenerator
from mmvg.models.postprocess import BoxPostprocess

size = 640
frame = 'original'
with_mask = False
encoder_channels = 768
channels = 256
num_queries = 1
score_thr = 0.7

match_costs = [
    dict(type=ClassificationCost, weight=1.0),
    dict(type=BBoxL1Cost, box_format='xywh', weight=5.0),
    dict(type=IoUCost, iou_mode='giou', weight=2.0),
]
image_mean = [123.675, 116.28, 103.53]  # ImageNet's, though BEiT-3 itself was trained with 127.5
image_std = [58.395, 57.12, 57.375]

model = dict(
    type=Grounder,
    data_preprocessor=dict(type=GroundingPreprocessor, mean='${image_mean}', std='${image_std}', bgr_to_rgb=True),
    backbone=dict(
        type=BEiT3,
        img_size='${size}',
        patch_size=32,
        embed_dims='${encoder_channels}',
        num_layers=12,
        num_heads=12,
        drop_path_rate=0.1,
        checkpoint='data/weights/beit3_base_patch16_224.pth',
    ),
    neck=dict(
        projection=dict(
            type=FeatureProjection,
            image_channels='${encoder_channels}',
            text_channels='${encoder_channels}',
            out_channels='${channels}',
            sentence=True,
            bias=True,
        ),
        query_generator=dict(type=TextGuidedQueryGenerator, channels='${channels}', num_queries='${num_queries}'),
    ),
    neck_order=['projection', 'query_generator'],
    head=dict(
        type=DistilledBoxHead,
        in_channels='${channels}',
        decoder=dict(type=DETRDecoder, embed_dims='${channels}', num_layers=3, ffn_channels=2048),
        matcher=dict(type=SetMatcher, assigner=dict(type=HungarianAssigner, match_costs='${match_costs}')),
        detection_loss=dict(
            type=DetectionCriterion,
            loss_weight=1.0,
            cls_weight=1.0,
            bbox_weight=5.0,
            giou_weight=2.0,
            aux_loss_weighted=True,
        ),
        distillation=dict(type=WeightBalancedDistillation, truth_weight=2.0, teacher_weight=1.0),
        branch='token',
        postprocess=dict(type=BoxPostprocess, score_thr='${score_thr}', frame='${frame}'),
    ),
)
