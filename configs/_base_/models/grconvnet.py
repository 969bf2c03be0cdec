"""GR-ConvNet (arXiv:1909.04810) on RGB with the sentence of CLIP's frozen text tower, and a map for the mask.

The sentence is appended to the map in the middle; ``--cfg-options model.neck.fusion=film`` modulates it instead.
"""

from mmvg.models import Grounder, GroundingPreprocessor
from mmvg.models.backbones import CLIPTextEncoder, ConvTower, TwoTowerEncoder
from mmvg.models.fusions import SentenceUpsampling
from mmvg.models.heads import ConvBranch, GraspHead
from mmvg.models.losses import GraspCriterion
from mmvg.models.postprocess import GraspPostprocess

channels = 128  # of the map in the middle
map_channels = 32  # that maps are read from
sentence_channels = 1024
width_norm = 35.0  # pixels of the input: an opening that is painted as 1
activation = 'none'  # quality and width are learned, and read, as they are
image_mean = [122.771, 116.746, 104.094]
image_std = [68.501, 66.632, 70.323]

model = dict(
    type=Grounder,
    data_preprocessor=dict(type=GroundingPreprocessor, mean='${image_mean}', std='${image_std}', bgr_to_rgb=True),
    frozen=['text'],
    backbone=dict(
        type=TwoTowerEncoder,
        image=dict(
            type=ConvTower,
            channels=(32, 64, '${channels}'),
            kernel_sizes=(9, 4, 4),
            strides=(1, 2, 2),
            norm=True,
            num_blocks=5,
        ),
        text=dict(type=CLIPTextEncoder, out_channels='${sentence_channels}', checkpoint='data/weights/RN50.pt'),
    ),
    neck=dict(
        type=SentenceUpsampling,
        in_channels='${channels}',
        sentence_channels='${sentence_channels}',
        fusion='concat',
        channels=(64, 32, '${map_channels}'),
        kernel_sizes=(4, 4, 9),
        strides=(2, 2, 1),
        norm=True,
    ),
    head=dict(
        type=GraspHead,
        coarse=dict(type=ConvBranch, in_channels='${map_channels}', kernel_size=2, dropout=0.1),
        criterion=dict(type=GraspCriterion, where='image', activation='${activation}', distance='smooth_l1'),
        postprocess=dict(
            type=GraspPostprocess,
            mask_thr=0.5,
            gate='off',
            width_norm='${width_norm}',
            jaw_size=7.0,  # pixels of the input, 20 of the 640 of OCID-VLG
            sigmas=(2.0, 2.0, 1.0),
            activation='${activation}',
        ),
    ),
)
