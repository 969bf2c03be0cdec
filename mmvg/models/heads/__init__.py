from mmvg.models.heads.auxiliary_mask_head import AuxiliaryMaskHead
from mmvg.models.heads.dynamic_mask_head import DynamicMaskHead, VisualProjector
from mmvg.models.heads.grasp_head import GraspHead
from mmvg.models.heads.instance_head import InstanceHead
from mmvg.models.heads.ldch import LDCH
from mmvg.models.heads.refinement import MapRefinement
from mmvg.models.heads.region_head import RegionHead

__all__ = [
    'LDCH',
    'AuxiliaryMaskHead',
    'DynamicMaskHead',
    'GraspHead',
    'InstanceHead',
    'MapRefinement',
    'RegionHead',
    'VisualProjector',
]
