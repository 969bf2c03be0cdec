"""GG-CNN (arXiv:1804.05172) on RGB with the sentence of CLIP's frozen text tower, and a map for the mask; 300 x 300.

The layers of the authors in the places of GR-ConvNet's, and squared distances in the loss. Sides are multiples of 12.
"""

from mmengine.config import read_base

with read_base():
    from .grconvnet import *

channels = 8
map_channels = 32
model.backbone.image.update(
    channels=(32, 16, '${channels}'), kernel_sizes=(9, 5, 3), strides=(3, 2, 2), norm=False, num_blocks=0
)
model.neck.update(channels=(8, 16, '${map_channels}'), kernel_sizes=(3, 5, 9), strides=(2, 2, 3), norm=False)
model.head.coarse.dropout = 0.0
model.head.criterion.distance = 'squared'
