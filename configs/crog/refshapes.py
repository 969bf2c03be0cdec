"""CROG in small, from scratch on RefShapes in the format of OCID-VLG.

The small CRIS with five maps, at the 160 x 160 pixels that fit its pictures. Maps are read as they are learned, and are
compared at the size of the input, angles and openings where grasps are: cells of 4 pixels cannot tell a narrow
rectangle from the zeros around it. An auxiliary mask head and batches of 16 are as in configs/cris/refshapes.py.
"""

from mmengine.config import read_base

from mmvg.models.heads import AuxiliaryMaskHead

with read_base():
    from .._base_.datasets.refshapes_ocid_vlg import *
    from .._base_.models.crog import *
    from .._base_.models.small_clip_resnet import *
    from .._base_.schedules.small import *

iterations = 2000
size = (160, 160)
width_norm = 60.0
train_batch_size = 4
base_batch_size = 16
mask_resolution = 'input'
evaluator = [dict(type=GraspMetric, gt_jaw=7), dict(type=RESMetric, comparison='>')]

model.backbone.update(small_backbone)
model.neck.fusion.update(small_fusion)
model.neck.decoder.update(small_decoder)
model.head.coarse.channels = 24
model.head.criterion.angle_on_grasp_only = True
model.head.postprocess.update(
    mask_thr=0.5,
    jaw_size=7.0,  # of the pictures, which are as large as the input
    activation='none',
    center_sigma=4.0,  # a cell of the logits, which tell a centre by their neighbours
)
model.aux_heads = dict(coarse=dict(type=AuxiliaryMaskHead, in_channels='${channels}', loss_weight=1.0))
