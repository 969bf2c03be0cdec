"""RaAM-RVG for tests: every part, eight channels wide, four steps on one core; see configs/_base_/tiny_run.py."""

from mmengine.config import read_base

with read_base():
    from .refshapes import *
    from .._base_.tiny_run import *

size = 32
val_dataloader.dataset.indices = test_dataloader.dataset.indices = 12

stage_channels = (8, 8, 8, 8)
region_channels = (8, 8, 8)
joined_channels = 24
text_channels = 8
model.backbone.image.num_heads = 2
model.backbone.image.patch_embed.channels = (4, 4, '${stage_channels.0}')
model.backbone.text.update(num_layers=1, num_heads=2, ffn_channels=16)
