"""InstanceVG (arXiv:2509.13747) with BEiT-3 large; everything behind the projection is that of the base model.

Weights to start from: data/weights/beit3_large_patch16_224.pth.
"""

from mmengine.config import read_base

with read_base():
    from .instancevg_base import model

model.backbone.update(
    embed_dims=1024,
    num_layers=24,
    num_heads=16,
    drop_path_rate=0.0,  # the authors set 0.1 under a misspelt name, and trained with 0
    checkpoint='data/weights/beit3_large_patch16_224.pth',
)
model.neck.projection.update(image_channels=1024, text_channels=1024)
