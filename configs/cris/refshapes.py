"""CRIS in small, from scratch on RefShapes in the format of PhraseCut.

Every part of the model, narrow, at the 160 x 160 pixels of the pictures: masks come from a grid of 10 x 10 cells,
from which SegVLM learns more in the same time than from one of 8 x 8. An auxiliary mask head on that grid stands in for
pre-training. The schedule is for batches of 16: one process of one thread, ``--cfg-options train_batch_size=16``, or
four with 4 each, ``tools/dist_train.sh configs/cris/refshapes.py 4``.
"""

from mmengine.config import read_base

from mmvg.models.heads import AuxiliaryMaskHead

with read_base():
    from .._base_.datasets.refshapes_phrasecut import *
    from .._base_.models.cris import *
    from .._base_.models.small_clip_resnet import *
    from .._base_.schedules.small import *

iterations = 3600
size = 160
max_length = 14
train_batch_size = 4
base_batch_size = 16
mask_resolution = 'input'  # a grid of whole cells cannot tell where an edge runs inside one

model.backbone.update(small_backbone)
model.neck.fusion.update(small_fusion)
model.neck.decoder.update(small_decoder)
model.head.projector.out_channels = 24
model.head.postprocess.mask_thr = 0.5  # of SegVLM too, so that the two can be compared
model.aux_heads = dict(coarse=dict(type=AuxiliaryMaskHead, in_channels='${channels}', loss_weight=1.0))
