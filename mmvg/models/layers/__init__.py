"""Blocks that several parts share."""

from .attention import WeightedDecoderLayer, detr_layer_cfg
from .convolutions import conv_bn_relu, double_conv
from .deformable_enhancement import EnhancementBlock, OffsetDeformConv
from .film import FiLM
from .norms import LN2d
from .point_selector import cell_centers_norm, select_points, select_top_cells
from .sample_convolution import sample_convolution
from .text_filter import filter_text, without_special_tokens
from .unet import UNet

__all__ = [
    'EnhancementBlock',
    'FiLM',
    'LN2d',
    'OffsetDeformConv',
    'UNet',
    'WeightedDecoderLayer',
    'cell_centers_norm',
    'conv_bn_relu',
    'detr_layer_cfg',
    'double_conv',
    'filter_text',
    'sample_convolution',
    'select_points',
    'select_top_cells',
    'without_special_tokens',
]
