from mmvg.models.losses.detection_criterion import DetectionCriterion
from mmvg.models.losses.existence_loss import ExistenceLoss
from mmvg.models.losses.grasp_criterion import GraspCriterion, GraspTargets
from mmvg.models.losses.mask_criterion import BceDice, MaskCriterion
from mmvg.models.losses.minimap_loss import MinimapLoss
from mmvg.models.losses.point_cost import PointL1Cost
from mmvg.models.losses.raf_loss import RAFLoss
from mmvg.models.losses.set_matcher import Matching, SetMatcher
from mmvg.models.losses.targets import GroundingTargets

__all__ = [
    'BceDice',
    'DetectionCriterion',
    'ExistenceLoss',
    'GraspCriterion',
    'GraspTargets',
    'GroundingTargets',
    'MaskCriterion',
    'Matching',
    'MinimapLoss',
    'PointL1Cost',
    'RAFLoss',
    'SetMatcher',
]
