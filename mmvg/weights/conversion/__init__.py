"""Convert weights that others released to our names; one file per layout of names."""

from mmvg.weights.conversion.beit3 import convert_beit3, load_beit3_weights, resize_image_positions, resize_patches
from mmvg.weights.conversion.instancevg import convert_instancevg
from mmvg.weights.conversion.lavt import convert_lavt
from mmvg.weights.conversion.layouts import LAYOUTS, Layout, convert_checkpoint, find_layout
from mmvg.weights.conversion.magnet import convert_magnet
from mmvg.weights.conversion.rela import convert_rela
from mmvg.weights.conversion.simvg import convert_simvg

__all__ = [
    'LAYOUTS',
    'Layout',
    'convert_beit3',
    'convert_checkpoint',
    'convert_instancevg',
    'convert_lavt',
    'convert_magnet',
    'convert_rela',
    'convert_simvg',
    'find_layout',
    'load_beit3_weights',
    'resize_image_positions',
    'resize_patches',
]
