"""LGGD for tests: every part, a few channels wide, four steps on one core; see configs/_base_/tiny_run.py."""

from mmengine.config import read_base

with read_base():
    from .refshapes import *
    from .._base_.tiny_run import *

data_root = 'data/refshapes_tiny/ocid_vlg'
size = (64, 64)
width_norm = 24.0
val_dataloader.dataset.indices = test_dataloader.dataset.indices = 12

channels = 8
sentence_channels = 8
map_channels = 4
top_channels = 8
model.backbone.update(image_channels=(4, 8, '${top_channels}'), image_blocks=(0, 0, 1), text_heads=2)
model.neck.fusion.update(num_heads=2, ffn_channels=16)
model.neck.upsampling.update(skip_channels=(8, 4), joined_channels=(8, 4), out_channels=(8, '${map_channels}'))
model.head.coarse.update(channels=4, num_kernels=2, hidden_channels=8)
model.head.refinement.widths = (4, 4, 8, 8)
model.head.postprocess.jaw_size = 2.8
