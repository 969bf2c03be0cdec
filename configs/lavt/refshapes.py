"""LAVT in small, from scratch on RefShapes in the format of RefCOCO.

Every part of the model, narrow and at 96 x 96 pixels. A convolutional stem, a dice loss and auxiliary mask heads on the
fused maps of two stages stand in for pre-training. The schedule is for batches of 64: four processes of one thread with
16 each, ``tools/dist_train.sh configs/lavt/refshapes.py 4``, or one process with all of them, ``--cfg-options
train_batch_size=64``, which takes 20 minutes.
"""

from mmengine.config import read_base

from mmvg.evaluation.metrics import RESMetric
from mmvg.models.heads import AuxiliaryMaskHead

with read_base():
    from .._base_.models.lavt_swin_base import *
    from .._base_.models.small_swin_bert import *
    from .._base_.datasets.refshapes_refcoco import *
    from .._base_.schedules.small import *

iterations = 850
size = 96
max_length = 14

model.backbone.image.update(small_image)
model.backbone.text.update(small_text)
model.head.mask_loss.dice_weight = 1.0
model.aux_heads = dict(
    middle=dict(type=AuxiliaryMaskHead, in_channels='${stage_channels.1}', level=1, loss_weight=0.5),
    coarse=dict(type=AuxiliaryMaskHead, in_channels='${stage_channels.2}', level=2, loss_weight=1.0),
)

evaluator = [dict(type=RESMetric, resolution='${frame}')]
