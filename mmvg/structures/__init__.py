"""What travels through mmvg: one sample is one image with one expression."""

from mmvg.structures.boxes import cxcywh_to_xyxy, xywh_to_xyxy, xyxy_to_cxcywh, xyxy_to_xywh
from mmvg.structures.frames import input_to_original_boxes, input_to_original_masks, input_to_original_points
from mmvg.structures.grounding_sample import GroundingSample

__all__ = [
    'GroundingSample',
    'cxcywh_to_xyxy',
    'input_to_original_boxes',
    'input_to_original_masks',
    'input_to_original_points',
    'xywh_to_xyxy',
    'xyxy_to_cxcywh',
    'xyxy_to_xywh',
]
