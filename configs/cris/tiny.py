"""CRIS for tests: every part, a few channels wide, four steps on one core; see configs/_base_/tiny_run.py."""

from mmengine.config import read_base

with read_base():
    from .refshapes import *
    from .._base_.tiny_run import *

val_dataloader.dataset.indices = test_dataloader.dataset.indices = 12

embed_dims = 16
text_channels = 16
channels = 16
model.backbone.update(image_channels=8, pool_grid=2, text_layers=1)
model.neck.fusion.update(in_channels=(64, 128, '${embed_dims}'), channels=(8, '${channels}', 16))
model.neck.decoder.update(num_layers=1, num_heads=2, ffn_channels=16)
model.head.projector.out_channels = 8
model.aux_heads = None
