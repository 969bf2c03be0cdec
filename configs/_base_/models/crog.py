"""CROG (arXiv:2311.05779) on CLIP-RN50: CRIS with five maps, 416 x 416 pixels, all of it trained.

Quality and width are learned as they are, everywhere, and read through a sigmoid, as the authors do; the answer of the
same weights without it: ``--cfg-options model.head.postprocess.activation=none``.
"""

from mmengine.config import read_base

from mmvg.models.heads import GraspHead, SharedKernelBranch
from mmvg.models.losses import GraspCriterion
from mmvg.models.postprocess import GraspPostprocess

with read_base():
    from .cris import *

embed_dims = 1024
model.backbone.update(image_layers=(3, 4, 6, 3), checkpoint='data/weights/RN50.pt')
width_norm = 65.0  # pixels of the input: 100 of the 640 of OCID-VLG
model.head = dict(
    type=GraspHead,
    coarse=dict(type=SharedKernelBranch, in_channels='${channels}', channels=256, sentence_channels='${embed_dims}'),
    criterion=dict(
        type=GraspCriterion,
        foreground_weight=0.5,
        where='image',
        activation='none',
        mask_average='pixels',
        resolution='${mask_resolution}',
    ),
    postprocess=dict(
        type=GraspPostprocess,
        mask_thr=0.35,
        gate='off',
        min_distance=2,
        width_norm='${width_norm}',
        jaw_size=13.0,  # pixels of the input, 20 of the 640
        activation='sigmoid',
        align_corners='${align_corners}',
    ),
)
