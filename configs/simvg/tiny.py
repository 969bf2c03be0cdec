"""SimVG for tests: every part, a few channels wide, four steps on one core; see configs/_base_/tiny_run.py."""

from mmengine.config import read_base

with read_base():
    from .refshapes import *
    from .._base_.tiny_run import *

val_dataloader.dataset.indices = test_dataloader.dataset.indices = 12

encoder_channels = 16
channels = 8
num_queries = 4
model.backbone.update(num_layers=2, num_heads=2)
model.backbone.patch_embed.channels = (4, 8, 8, '${encoder_channels}')
model.neck.query_generator.update(num_heads=2, ffn_channels=16)
model.head.decoder.update(num_layers=2, num_heads=2, ffn_channels=16)
