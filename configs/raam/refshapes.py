"""RaAM-RVG in small, REC and RES together from scratch on RefShapes in the format of RefCOCO.

Every part of the paper's model, narrow and at 96 x 96 pixels. A convolutional stem and an auxiliary mask head stand in
for pre-training. The schedule is for four processes of one thread (batches of 4 x 8):
``tools/dist_train.sh configs/raam/refshapes.py 4``, ten minutes.
"""

from mmengine.config import read_base

from mmvg.models.heads import AuxiliaryMaskHead

with read_base():
    from .._base_.models.raam_vit_base import *
    from .._base_.models.small_vit_bert import *
    from .._base_.datasets.refshapes_refcoco import *
    from .._base_.schedules.small import *

iterations = 3300
size = 96
max_length = 14
train_batch_size = 8
base_batch_size = 32

stage_channels = ('${image_channels}',) * 4
region_channels = (96, 96, 96)
joined_channels = 288
model.backbone.image.update(small_image, patch_size=8, num_layers=4)
model.backbone.text.update(small_text)
model.backbone.fusion.update(anchor_std=0.5, value_std=0.3, weight_std=0.1)
model.head.update(patch_size=8, hidden_channels='${stage_channels.0}')
model.head.box_loss.loss_weight = 1.0
model.aux_heads = dict(coarse=dict(type=AuxiliaryMaskHead, in_channels='${joined_channels}', loss_weight=1.0))

optim_wrapper.paramwise_cfg = dict(norm_decay_mult=0.0, bias_decay_mult=0.0)
