"""What all post-processing parts share: thresholds, the size of the input, and the frame of the answer."""

import torch.nn.functional as F
from torch import Tensor

from mmvg.checks import check_choice
from mmvg.structures import (
    GroundingSample,
    input_to_original_boxes,
    input_to_original_masks,
    input_to_original_points,
)

FRAMES = ('original', 'input')


class BasePostprocess:
    """Turns the raw outputs of a head into answers on samples.

    A subclass is registered in :data:`mmvg.registry.MODELS` and has a ``__call__`` that takes raw outputs and samples,
    writes predictions onto the samples (see :class:`mmvg.structures.GroundingSample`), and returns them.

    Args:
        score_thr: What scores more than this is there.
        mask_thr: Probability from which on a pixel belongs to a mask.
        frame: Frame of the answers: ``'original'`` or ``'input'`` pixels.
        align_corners: Rule by which logits are enlarged to the input, as in
            :func:`torch.nn.functional.interpolate`. It must be the rule of the loss that the model was trained with.

    Raises:
        ValueError: If ``frame`` is neither.
    """

    def __init__(self, score_thr: float, mask_thr: float, frame: str, align_corners: bool) -> None:
        check_choice(f'{type(self).__name__}.frame', frame, FRAMES)
        self.score_thr = score_thr
        self.mask_thr = mask_thr
        self.frame = frame
        self.align_corners = align_corners

    def enlarge(self, maps: Tensor, sample: GroundingSample) -> Tensor:
        """Interpolate ``maps`` (N, h, w) bilinearly to the input (N, H, W) of ``sample``."""
        size = tuple(sample.img_shape[:2])
        if maps.shape[1:] == size:
            return maps
        return F.interpolate(maps[None], size=size, mode='bilinear', align_corners=self.align_corners)[0]

    def boxes_to_frame(self, boxes: Tensor, sample: GroundingSample) -> Tensor:
        """Bring boxes (..., 4) xyxy in input pixels to ``frame``."""
        return boxes if self.frame == 'input' else input_to_original_boxes(boxes, sample.metainfo)

    def points_to_frame(self, points: Tensor, sample: GroundingSample) -> Tensor:
        """Bring points (..., 2) in input pixels to ``frame``."""
        return points if self.frame == 'input' else input_to_original_points(points, sample.metainfo)

    def masks_to_frame(self, masks: Tensor, sample: GroundingSample, mode: str = 'nearest-exact') -> Tensor:
        """Bring masks or maps (N, H, W) in input pixels to ``frame``; see :func:`input_to_original_masks`."""
        return masks if self.frame == 'input' else input_to_original_masks(masks, sample.metainfo, mode)
