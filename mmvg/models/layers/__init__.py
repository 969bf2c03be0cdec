"""Blocks that several parts share."""

from .attention import WeightedDecoderLayer, detr_layer_cfg
from .convolutions import conv_bn_relu, double_conv
from .deformable_attention import attend_among_cells, attend_to_points
from .deformable_enhancement import EnhancementBlock, OffsetDeformConv
from .film import FiLM
from .norms import LN2d
from .point_selector import cell_centers_norm, select_points, select_top_cells
from .sample_convolution import sample_convolution
from .shared_images import distinct_images, encode_once, may_share
from .text_filter import filter_text, without_special_tokens
from .transfer import send
from .unet import UNet

__all__ = [
    'EnhancementBlock',
    'FiLM',
    'LN2d',
    'OffsetDeformConv',
    'UNet',
    'WeightedDecoderLayer',
    'attend_among_cells',
    'attend_to_points',
    'cell_centers_norm',
    'conv_bn_relu',
    'detr_layer_cfg',
    'distinct_images',
    'double_conv',
    'encode_once',
    'filter_text',
    'may_share',
    'sample_convolution',
    'select_points',
    'select_top_cells',
    'send',
    'without_special_tokens',
]
