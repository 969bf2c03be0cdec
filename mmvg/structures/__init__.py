"""Data that all parts of mmvg share: samples, boxes, grasps, and the way back to original pixels.

====== ==================================================================
letter meaning
====== ==================================================================
H W    height and width in pixels, of the image that a function speaks of
H0 W0  height and width of the original image, in pixels
h w    cells of a feature map
L      text tokens
M      grasps
N      targets, or masks
Q      predicted instances, one per query
====== ==================================================================

Boxes are xyxy in pixels unless a name says ``cxcywh`` or ``xywh``. Masks and ``text_mask``: True = keep.

What needs PyTorch, MMDetection or Pillow is imported when it is first asked for, see ``_LAZY``; the rest does without.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mmvg.structures.answer import (
    ANSWER_VERSION,
    DEFAULT_SCORE_THR,
    MASK_OUTPUTS,
    Answer,
    Candidates,
    check_threshold,
    passes,
    union_mask,
)
from mmvg.structures.boxes import cxcywh_to_xyxy, xywh_to_xyxy, xyxy_to_cxcywh, xyxy_to_xywh
from mmvg.structures.grasps import (
    corners_to_grasps,
    fold_angle,
    grasps_to_corners,
    original_to_input_grasps,
    rotated_iou,
    rotated_ious,
    transform_grasps,
    usable_grasps,
)
from mmvg.structures.sample_contract import (
    FACT_KEYS,
    GEOMETRY_KEYS,
    ID_KEYS,
    META_KEYS,
    TEXT_KEYS,
    USER_DATASET,
    item_facts,
    sample_ids,
)

if TYPE_CHECKING:
    from mmvg.structures.frames import (
        common_spans,
        image_window,
        input_to_original_boxes,
        input_to_original_masks,
        input_to_original_points,
    )
    from mmvg.structures.grounding_sample import GroundingSample
    from mmvg.structures.turned import as_stored, turn_matrix

__all__ = [
    'ANSWER_VERSION',
    'DEFAULT_SCORE_THR',
    'FACT_KEYS',
    'GEOMETRY_KEYS',
    'ID_KEYS',
    'MASK_OUTPUTS',
    'META_KEYS',
    'TEXT_KEYS',
    'USER_DATASET',
    'Answer',
    'Candidates',
    'GroundingSample',
    'as_stored',
    'check_threshold',
    'common_spans',
    'corners_to_grasps',
    'cxcywh_to_xyxy',
    'fold_angle',
    'grasps_to_corners',
    'image_window',
    'input_to_original_boxes',
    'input_to_original_masks',
    'input_to_original_points',
    'item_facts',
    'original_to_input_grasps',
    'passes',
    'rotated_iou',
    'rotated_ious',
    'sample_ids',
    'transform_grasps',
    'turn_matrix',
    'union_mask',
    'usable_grasps',
    'xywh_to_xyxy',
    'xyxy_to_cxcywh',
    'xyxy_to_xywh',
]

_LAZY = {
    'GroundingSample': 'mmvg.structures.grounding_sample',
    'as_stored': 'mmvg.structures.turned',
    'common_spans': 'mmvg.structures.frames',
    'image_window': 'mmvg.structures.frames',
    'input_to_original_boxes': 'mmvg.structures.frames',
    'input_to_original_masks': 'mmvg.structures.frames',
    'input_to_original_points': 'mmvg.structures.frames',
    'turn_matrix': 'mmvg.structures.turned',
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(_LAZY[name]), name)
