"""GG-CNN with a text, from scratch on RefShapes in the format of OCID-VLG.

The authors' layers in full width, at 96 x 96 pixels, with a small text tower that is trained. The schedule is for
batches of 32: one process of one thread, ``--cfg-options train_batch_size=32``, or four with 8 each,
``tools/dist_train.sh configs/ggcnn/refshapes.py 4``.
"""

from mmengine.config import read_base

with read_base():
    from .._base_.models.ggcnn import *
    from .._base_.models.small_text import *
    from .._base_.datasets.refshapes_ocid_vlg import *
    from .._base_.schedules.small import *

iterations = 800
train_batch_size = 8
base_batch_size = 32

image_mean = [127.5, 127.5, 127.5]
image_std = [127.5, 127.5, 127.5]
model.frozen = []
model.backbone.text = small_text
model.head.postprocess.update(
    jaw_size=4.2,  # pixels of the input, 7 of the 160 of a picture
    sigmas=(0.0, 0.0, 0.0),
    center_sigma=1.0,
)
