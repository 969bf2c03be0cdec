"""What travels through mmvg: one sample is one image with one expression."""

from mmvg.structures.boxes import cxcywh_to_xyxy, xywh_to_xyxy, xyxy_to_cxcywh, xyxy_to_xywh
from mmvg.structures.frames import input_to_original_boxes, input_to_original_masks, input_to_original_points
from mmvg.structures.grasps import (
    corners_to_grasps,
    fold_angle,
    grasps_to_corners,
    rotated_iou,
    rotated_ious,
    transform_grasps,
    usable_grasps,
)
from mmvg.structures.grounding_sample import GroundingSample

__all__ = [
    'GroundingSample',
    'corners_to_grasps',
    'cxcywh_to_xyxy',
    'fold_angle',
    'grasps_to_corners',
    'input_to_original_boxes',
    'input_to_original_masks',
    'input_to_original_points',
    'rotated_iou',
    'rotated_ious',
    'transform_grasps',
    'usable_grasps',
    'xywh_to_xyxy',
    'xyxy_to_cxcywh',
    'xyxy_to_xywh',
]
