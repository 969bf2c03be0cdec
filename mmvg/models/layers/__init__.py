from .attention import WeightedDecoderLayer, detr_layer_cfg
from .norms import LN2d
from .point_selector import cell_centers_norm, select_points, select_top_cells
from .region_aware_fusion import RegionAwareFusion, fuse_layers
from .text_filter import filter_text, without_special_tokens

__all__ = [
    'LN2d',
    'RegionAwareFusion',
    'WeightedDecoderLayer',
    'cell_centers_norm',
    'detr_layer_cfg',
    'filter_text',
    'fuse_layers',
    'select_points',
    'select_top_cells',
    'without_special_tokens',
]
