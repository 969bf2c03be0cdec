"""Heads: the raw outputs of a model, their losses, and the answers that a post-processor makes of them."""

from mmvg.models.heads.auxiliary_mask_head import AuxiliaryMaskHead
from mmvg.models.heads.conv_branch import ConvBranch
from mmvg.models.heads.cross_modal_alignment_head import CrossModalAlignmentHead
from mmvg.models.heads.distilled_box_head import DistilledBoxHead
from mmvg.models.heads.dynamic_conv_branch import DynamicConvBranch
from mmvg.models.heads.dynamic_mask_head import DynamicMaskHead, VisualProjector
from mmvg.models.heads.grasp_head import GraspHead
from mmvg.models.heads.instance_head import InstanceHead
from mmvg.models.heads.mask_grounding_head import MaskGroundingHead
from mmvg.models.heads.masked_patches_head import MaskedPatchesHead
from mmvg.models.heads.masked_query_head import MaskedQueryHead
from mmvg.models.heads.minimap_mask_head import MinimapMaskHead
from mmvg.models.heads.pixel_mask_head import PixelMaskHead
from mmvg.models.heads.pooled_existence_branch import PooledExistenceBranch
from mmvg.models.heads.refinement import MapRefinement
from mmvg.models.heads.region_decoder import RegionDecoder
from mmvg.models.heads.region_head import RegionHead
from mmvg.models.heads.shared_kernel_branch import SharedKernelBranch
from mmvg.models.heads.sparse_token_head import SparseTokenHead

__all__ = [
    'AuxiliaryMaskHead',
    'ConvBranch',
    'CrossModalAlignmentHead',
    'DistilledBoxHead',
    'DynamicConvBranch',
    'DynamicMaskHead',
    'GraspHead',
    'InstanceHead',
    'MapRefinement',
    'MaskGroundingHead',
    'MaskedPatchesHead',
    'MaskedQueryHead',
    'MinimapMaskHead',
    'PixelMaskHead',
    'PooledExistenceBranch',
    'RegionDecoder',
    'RegionHead',
    'SharedKernelBranch',
    'SparseTokenHead',
    'VisualProjector',
]
