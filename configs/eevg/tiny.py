"""EEVG for tests: every part, eight channels wide, four steps on one core; see configs/_base_/tiny_run.py."""

from mmengine.config import read_base

with read_base():
    from .refshapes import *
    from .._base_.tiny_run import *

val_dataloader.dataset.indices = test_dataloader.dataset.indices = 12

image_channels = 8
text_channels = 8
channels = 8
model.backbone.image.update(num_layers=2, num_heads=2, window=3, global_blocks=(1,))
model.backbone.image.patch_embed.channels = (4, 4, '${image_channels}')
model.backbone.text.update(num_heads=2, ffn_channels=16)
model.neck.decoder.update(num_layers=2, num_heads=2, ffn_channels=16)
model.neck.decoder.elimination.compact = False  # nothing waits for the device
