"""Transforms: steps on one sample between the annotation file and the batch.

====== ======================================================
letter meaning
====== ======================================================
H W    height and width of the image at this step, in pixels
L      text tokens
M      grasps of a sample
N      targets of a sample, or masks
====== ======================================================

A transform changes the dict ``results``. One that moves pixels moves ``img``, ``gt_bboxes`` and ``gt_masks`` together
and multiplies itself onto ``homography_matrix`` (3, 3), original to input pixels.
"""

from mmvg.datasets.transforms.clean_text import CleanText
from mmvg.datasets.transforms.encode_grasp_maps import EncodeGraspMaps
from mmvg.datasets.transforms.large_scale_jitter import LargeScaleJitter
from mmvg.datasets.transforms.letterbox import Letterbox
from mmvg.datasets.transforms.load_grasp_annotations import LoadGraspAnnotations
from mmvg.datasets.transforms.load_grounding_annotations import LoadGroundingAnnotations
from mmvg.datasets.transforms.load_image import LoadImage, loads_upright
from mmvg.datasets.transforms.pack_grounding_inputs import PackGroundingInputs
from mmvg.datasets.transforms.random_scale_crop import RandomScaleCrop
from mmvg.datasets.transforms.random_turn_zoom import RandomTurnZoom
from mmvg.datasets.transforms.resize import Resize, resize_masks
from mmvg.datasets.transforms.swap_left_right import SwapLeftRight
from mmvg.datasets.transforms.tokenize import Tokenize

__all__ = [
    'CleanText',
    'EncodeGraspMaps',
    'LargeScaleJitter',
    'Letterbox',
    'LoadGraspAnnotations',
    'LoadGroundingAnnotations',
    'LoadImage',
    'PackGroundingInputs',
    'RandomScaleCrop',
    'RandomTurnZoom',
    'Resize',
    'SwapLeftRight',
    'Tokenize',
    'loads_upright',
    'resize_masks',
]
