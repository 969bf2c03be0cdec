"""Loss functions, the targets that they compare with, and the matcher that pairs queries with targets."""

from mmvg.models.losses.adaptive_dice_mask_loss import AdaptiveDiceMaskLoss
from mmvg.models.losses.alignment_loss import AlignmentLoss
from mmvg.models.losses.binary_mask_loss import BinaryMaskLoss, weighted_bce
from mmvg.models.losses.detection_criterion import DetectionCriterion
from mmvg.models.losses.edge_weighted_mask_loss import EdgeWeightedMaskLoss
from mmvg.models.losses.grasp_criterion import GraspCriterion, GraspTargets
from mmvg.models.losses.mask_criterion import BceDice, MaskCriterion
from mmvg.models.losses.mask_loss import MaskLoss
from mmvg.models.losses.mask_resolution import MaskResolution, enlarge_logits, reduce_masks
from mmvg.models.losses.minimap_loss import MinimapLoss
from mmvg.models.losses.no_target_loss import NoTargetLoss
from mmvg.models.losses.point_cost import PointL1Cost
from mmvg.models.losses.region_minimap_loss import RegionMinimapLoss
from mmvg.models.losses.region_presence_loss import RegionPresenceLoss, region_labels
from mmvg.models.losses.segmentation_losses import SegmentationLosses
from mmvg.models.losses.set_matcher import Matching, SetMatcher, to_host
from mmvg.models.losses.single_box_loss import SingleBoxLoss
from mmvg.models.losses.targets import GroundingTargets
from mmvg.models.losses.weight_balanced_distillation import WeightBalancedDistillation

__all__ = [
    'AdaptiveDiceMaskLoss',
    'AlignmentLoss',
    'BceDice',
    'BinaryMaskLoss',
    'DetectionCriterion',
    'EdgeWeightedMaskLoss',
    'GraspCriterion',
    'GraspTargets',
    'GroundingTargets',
    'MaskCriterion',
    'MaskLoss',
    'MaskResolution',
    'Matching',
    'MinimapLoss',
    'NoTargetLoss',
    'PointL1Cost',
    'RegionMinimapLoss',
    'RegionPresenceLoss',
    'SegmentationLosses',
    'SetMatcher',
    'SingleBoxLoss',
    'WeightBalancedDistillation',
    'enlarge_logits',
    'reduce_masks',
    'region_labels',
    'to_host',
    'weighted_bce',
]
