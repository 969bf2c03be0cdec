"""InstanceVG (arXiv:2509.13747) with BEiT-3 base, ten queries, 320 x 320 pixels.

Weights to start from: data/weights/beit3_base_patch16_224.pth (data/README.md says where it comes from). Without them,
``--cfg-options model.backbone.checkpoint=None`` trains from scratch.
"""

from mmdet.models.task_modules.assigners import BBoxL1Cost, ClassificationCost, HungarianAssigner, IoUCost

from mmvg.models import Grounder, GroundingPreprocessor
from mmvg.models.backbones import BEiT3
from mmvg.models.heads import InstanceHead
from mmvg.models.losses import DetectionCriterion, NoTargetLoss, MaskCriterion, MinimapLoss, PointL1Cost, SetMatcher
from mmvg.models.necks import FeatureProjection, InstanceQueryGenerator, PointPriorDecoder, SimpleFPN, TopDownDecoder
from mmvg.models.postprocess import InstancePostprocess

size = 320
frame = 'original'
mask_rule = 'floor'  # the authors', for frame 'input'
encoder_channels = 768
channels = 256
num_queries = 10
align_corners = True  # one rule enlarges logits for the loss and for the answer
point_cost = 2.0

class_cost = dict(type=ClassificationCost, weight=1.0)
box_cost = dict(type=BBoxL1Cost, box_format='xywh', weight=5.0)
giou_cost = dict(type=IoUCost, iou_mode='giou', weight=2.0)
match_costs = ['${class_cost}', '${box_cost}', '${giou_cost}', dict(type=PointL1Cost, weight='${point_cost}')]
image_mean = [123.675, 116.28, 103.53]  # ImageNet's, though BEiT-3 itself was trained with 127.5
image_std = [58.395, 57.12, 57.375]

model = dict(
    type=Grounder,
    data_preprocessor=dict(type=GroundingPreprocessor, mean='${image_mean}', std='${image_std}', bgr_to_rgb=True),
    backbone=dict(
        type=BEiT3,
        img_size='${size}',
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
        ),
        query_generator=dict(type=InstanceQueryGenerator, in_channels='${channels}', num_queries='${num_queries}'),
        pyramid=dict(type=SimpleFPN, in_channels='${channels}', out_channels='${channels}'),
        query_decoder=dict(type=PointPriorDecoder, embed_dims='${channels}', num_layers=3),
        pixel_decoder=dict(
            type=TopDownDecoder,
            in_channels=['${channels}'] * 4,
            channels='${channels}',
            input_norm=False,
            conv_init='pytorch',
        ),
    ),
    # the generator reads the one map that the pyramid then replaces
    neck_order=['projection', 'query_generator', 'pyramid', 'query_decoder', 'pixel_decoder'],
    head=dict(
        type=InstanceHead,
        in_channels='${channels}',
        matcher=dict(type=SetMatcher, assigner=dict(type=HungarianAssigner, match_costs='${match_costs}')),
        detection_loss=dict(type=DetectionCriterion, loss_weight=0.1, cls_weight=1.0, bbox_weight=5.0, giou_weight=2.0),
        mask_loss=dict(
            type=MaskCriterion,
            global_weight=1.0,
            positive_weight=1.0,
            negative_weight=0.2,
            align_corners='${align_corners}',
        ),
        no_target_loss=dict(type=NoTargetLoss, loss_weight=0.2, class_weights=(0.9, 1.1)),
        minimap_loss=dict(type=MinimapLoss, loss_weight=0.1),
        postprocess=dict(
            type=InstancePostprocess,
            score_weighted=True,
            nms_thr=None,
            score_thr=0.7,
            mask_thr=0.5,
            mask_output='merge',
            frame='${frame}',
            align_corners='${align_corners}',
        ),
    ),
)
