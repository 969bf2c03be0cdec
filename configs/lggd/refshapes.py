"""LGGD in small, from scratch on RefShapes in the format of OCID-VLG; 36 minutes of one core.

Every part of the paper's model, narrow and at 96 x 96 pixels, on a small trainable encoder instead of CLIP's towers.
The schedule is for four processes of one thread: ``tools/dist_train.sh configs/lggd/refshapes.py 4``.
"""

from mmengine.config import read_base
from torch.optim import AdamW

from mmvg.models.backbones import ConvTextEncoder
from mmvg.models.heads import AuxiliaryMaskHead

with read_base():
    from .._base_.models.lggd import *
    from .._base_.datasets.refshapes_ocid_vlg import *
    from .._base_.schedules.small import *

iterations = 1400
lr = 2e-3

channels = 48
sentence_channels = 48
map_channels = 16
top_channels = 64  # of the image tower
image_mean = [127.5, 127.5, 127.5]
image_std = [127.5, 127.5, 127.5]
model.backbone = dict(
    type=ConvTextEncoder,
    image_channels=(16, 32, '${top_channels}'),
    image_blocks=(0, 1, 2),
    text_channels='${channels}',
    text_layers=2,
    sentence_channels='${sentence_channels}',
    vocab_size=128,
)
model.neck.fusion.update(in_channels='${top_channels}', num_heads=4, ffn_channels=96, dropout=0.0)
model.neck.upsampling.update(
    skip_channels=(32, 16),
    joined_channels=(16, 8),
    out_channels=(16, '${map_channels}'),
    plain_channels=(),  # maps of 48 x 48
)
model.head.coarse.channels = 8
model.head.refinement.widths = (4, 8, 16, 16)
model.head.criterion.angle_on_grasp_only = True
model.head.postprocess.update(
    mask_thr=0.5,
    gate='soft',  # the best grasp is right more often
    score_thr=0.05,  # what a soft gate leaves of the grasps of other objects
    jaw_size=4.2,  # pixels of the input, 7 of the 160 of a picture
    center_sigma=1.0,
)
model.aux_heads = dict(fused=dict(type=AuxiliaryMaskHead, in_channels='${channels}', level=-1, loss_weight=1.0))

optim_wrapper.optimizer = dict(type=AdamW, lr='${lr}', weight_decay=0.01, fused=True)
