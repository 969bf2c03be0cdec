"""MagNet for tests: every part, a few channels wide, four steps on one core; see configs/_base_/tiny_run.py."""

from mmengine.config import read_base

with read_base():
    from .refshapes import *
    from .._base_.tiny_run import *

val_dataloader.dataset.indices = test_dataloader.dataset.indices = 12

stage_channels = (8, 16, 32, 64)
text_channels = 16
channels = 8
model.backbone.image.update(num_heads=(1, 2, 2, 2), window_size=3)
model.backbone.image.stem.channels = (4, '${stage_channels.0}')
model.backbone.text.update(num_layers=4, num_heads=2, ffn_channels=32)
model.neck.decoder.update(num_heads=2, ffn_channels=16, norm_groups=4)
model.head.update(num_heads=2, ffn_channels=16)
small_grounding.update(channels=16, num_heads=2, ffn_channels=32)
model.aux_heads.pop('middle')
model.aux_heads.pop('coarse')
