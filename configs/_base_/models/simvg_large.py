"""SimVG (arXiv:2409.17531) with BEiT-3 large; everything behind the projection is that of the base model.

Weights to start from: data/weights/beit3_large_patch16_224.pth.
"""

from mmengine.config import read_base

with read_base():
    from .simvg_base import *

encoder_channels = 1024
model.backbone.update(
    num_layers=24,
    num_heads=16,
    drop_path_rate=0.0,  # the authors set 0.1 under a misspelt name, and trained with 0
    checkpoint='data/weights/beit3_large_patch16_224.pth',
)
model.head.distillation.update(truth_weight=1.0, teacher_weight=0.4)
