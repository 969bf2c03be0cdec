"""Blocks that several parts share."""

from .attention import WeightedDecoderLayer, detr_layer_cfg
from .convolutions import conv_bn_relu, double_conv
from .deformable_attention import attend_among_cells, attend_to_points
from .deformable_enhancement import EnhancementBlock, OffsetDeformConv
from .film import FiLM
from .norms import LN2d
from .point_selector import cell_centers_norm, select_points, select_top_cells
from .relative_attention import RelativeAttention, resize_relative
from .sample_convolution import sample_convolution
from .shared_images import distinct_images, encode_once, may_share
from .text_filter import filter_text, without_special_tokens
from .token_elimination import TokenElimination, first_query_logits, take_out
from .transfer import send
from .unet import UNet

__all__ = [
    'EnhancementBlock',
    'FiLM',
    'LN2d',
    'OffsetDeformConv',
    'RelativeAttention',
    'TokenElimination',
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
    'first_query_logits',
    'may_share',
    'resize_relative',
    'sample_convolution',
    'select_points',
    'select_top_cells',
    'send',
    'take_out',
    'without_special_tokens',
]
