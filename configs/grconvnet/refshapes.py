"""GR-ConvNet with a text in small, from scratch on RefShapes in the format of OCID-VLG.

A quarter as wide, at 96 x 96 pixels, with a small text tower that is trained. The schedule is for batches of 32:
one process of one thread, ``--cfg-options train_batch_size=32``, or four with 8 each, ``tools/dist_train.sh
configs/grconvnet/refshapes.py 4``.
"""

from mmengine.config import read_base

with read_base():
    from .._base_.models.grconvnet import *
    from .._base_.models.small_text import *
    from .._base_.datasets.refshapes_ocid_vlg import *
    from .._base_.schedules.small import *

iterations = 700
train_batch_size = 8
base_batch_size = 32

channels = 32
map_channels = 8
image_mean = [127.5, 127.5, 127.5]
image_std = [127.5, 127.5, 127.5]
model.frozen = []
model.backbone.image.channels = (8, 16, '${channels}')
model.backbone.text = small_text
model.neck.channels = (16, 8, '${map_channels}')
model.head.coarse.dropout = 0.0
model.head.postprocess.update(
    jaw_size=4.2,  # pixels of the input, 7 of the 160 of a picture
    sigmas=(0.0, 0.0, 0.0),
    center_sigma=1.0,
)
