"""CRIS in small, from scratch on RefShapes in the format of PhraseCut.

Every part of the model, narrow, at the 160 x 160 pixels of the pictures: masks come from a grid of 10 x 10 cells,
from which SegVLM learns more in the same time than from one of 8 x 8. The schedule is for four processes of one thread
(batches of 4 x 4): ``tools/dist_train.sh configs/cris/refshapes.py 4``, ten minutes.
"""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.refshapes_phrasecut import *
    from .._base_.models.cris import *
    from .._base_.models.small_clip_resnet import *
    from .._base_.schedules.small import *

iterations = 1700
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
