"""CRIS in small, from scratch on RefShapes in the format of PhraseCut.

Every part of the model, narrow, at the 160 x 160 pixels of the pictures: masks come from a grid of 10 x 10 cells,
from which SegVLM learns more in the same time than from one of 8 x 8. The schedule is for four processes of one thread
(batches of 4 x 4): ``tools/dist_train.sh configs/cris/refshapes.py 4``, ten minutes.
"""

from mmengine.config import read_base
from mmengine.model import NormalInit

with read_base():
    from .._base_.datasets.refshapes_phrasecut import *
    from .._base_.models.cris import *
    from .._base_.schedules.small import *

iterations = 1700
size = 160
max_length = 14
train_batch_size = 4
base_batch_size = 16
mask_resolution = 'input'  # a grid of whole cells cannot tell where an edge runs inside one

embed_dims = 48
text_channels = 64
channels = 48
model.backbone.update(
    image_layers=(1, 1, 1, 1),
    image_channels=12,
    pool_grid=3,
    head_channels=8,
    text_channels='${text_channels}',
    text_layers=2,
    vocab_size=128,
    max_text_positions=16,
    checkpoint=None,
    init_cfg=dict(type=NormalInit, layer='Embedding', std=0.1),  # CLIP's 0.02 is soon lost at this learning rate
)
model.neck.fusion.update(in_channels=(96, 192, '${embed_dims}'), channels=(24, '${channels}', 96))
model.neck.decoder.update(num_layers=2, num_heads=4, ffn_channels=96, dropout=0.0)
model.head.projector.out_channels = 24
model.head.postprocess.mask_thr = 0.5  # of SegVLM too, so that the two can be compared
