"""LGGD (arXiv:2512.21065) on frozen CLIP-RN50, 224 x 224 pixels; what the paper leaves open has a key here.

Weights to start from: data/weights/RN50.pt (data/README.md says where it comes from). Without them,
``--cfg-options model.backbone.checkpoint=None`` builds and runs with random towers, which stay as they are.
"""

from mmvg.models import Grounder, GroundingPreprocessor
from mmvg.models.backbones import CLIPResNet
from mmvg.models.heads import DynamicConvBranch, GraspHead, MapRefinement
from mmvg.models.losses import GraspCriterion
from mmvg.models.fusions import DualCrossAttentionFusion, LanguageGuidedUpsampling
from mmvg.models.postprocess import GraspPostprocess

channels = 512  # of the fused map
sentence_channels = 1024
map_channels = 256  # behind the up-sampling
width_norm = 35.0  # pixels of the input: an opening that is answered as 1
image_mean = [122.771, 116.746, 104.094]
image_std = [68.501, 66.632, 70.323]

model = dict(
    type=Grounder,
    data_preprocessor=dict(type=GroundingPreprocessor, mean='${image_mean}', std='${image_std}', bgr_to_rgb=True),
    backbone=dict(
        type=CLIPResNet,
        image_layers=(3, 4, 6, 3),
        out_indices=(0, 1, 2),
        pooling='pre',
        project_sentence=True,
        normalize_sentence=True,
        frozen=True,
        checkpoint='data/weights/RN50.pt',
    ),
    neck=dict(
        fusion=dict(
            type=DualCrossAttentionFusion,
            in_channels=2048,
            embed_dims='${channels}',
            num_heads=8,
            ffn_channels=2048,
            dropout=0.1,
            fuse='pool',
            cross_attention=True,
        ),
        upsampling=dict(
            type=LanguageGuidedUpsampling,
            in_channels='${channels}',
            skip_channels=(1024, 512, 256),
            joined_channels=(512, 512, 256),
            out_channels=(512, 256, 256),
            plain_channels=(256, '${map_channels}'),
            sentence_channels='${sentence_channels}',
            attentive=True,
        ),
    ),
    neck_order=['fusion', 'upsampling'],
    head=dict(
        type=GraspHead,
        coarse=dict(
            type=DynamicConvBranch,
            in_channels='${map_channels}',
            channels=128,
            sentence_channels='${sentence_channels}',
            num_kernels=4,
            dynamic=True,
        ),
        refinement=dict(type=MapRefinement, widths=(64, 128, 256, 512)),
        criterion=dict(type=GraspCriterion, foreground_weight=0.5, sigma=1.0, angle_on_grasp_only=False),
        coarse_weight=0.5,
        postprocess=dict(
            type=GraspPostprocess,
            mask_thr=0.35,
            gate='hard',
            num_grasps=5,
            min_distance=2,
            score_thr=0.0,
            width_norm='${width_norm}',
            jaw_size=7.0,  # pixels of the input, 20 of the 640 of OCID-VLG
            sigmas=(0.0, 0.0, 0.0),
            grasps_from='maps',
        ),
    ),
)
