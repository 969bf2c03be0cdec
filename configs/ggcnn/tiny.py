"""GG-CNN for tests: every part, a few channels wide, four steps on one core; see configs/_base_/tiny_run.py."""

from mmengine.config import read_base

with read_base():
    from .refshapes import *
    from .._base_.tiny_run import *

data_root = 'data/refshapes_tiny/ocid_vlg'
size = (60, 60)
width_norm = 24.0
val_dataloader.dataset.indices = test_dataloader.dataset.indices = 12

channels = 4
map_channels = 4
sentence_channels = 8
model.backbone.image.channels = (4, 4, '${channels}')
model.backbone.text.update(embed_dims=16, num_layers=1, head_channels=8)
model.neck.channels = (4, 4, '${map_channels}')
model.head.postprocess.jaw_size = 2.8
