"""What all post-processing parts share: thresholds, the size of the input, and the frame of the answer."""

import torch
import torch.nn.functional as F
from mmengine.structures import PixelData
from torch import Tensor

from mmvg.checks import check_choice
from mmvg.structures import (
    GroundingSample,
    check_threshold,
    input_to_original_boxes,
    input_to_original_masks,
    input_to_original_points,
    passes,
    union_mask,
)

FRAMES = ('original', 'input')


class BasePostprocess:
    """Turns the raw outputs of a head into answers on samples.

    A subclass is registered in :data:`mmvg.registry.MODELS` and has a ``__call__`` that takes raw outputs and samples,
    writes predictions onto the samples (see :class:`mmvg.structures.GroundingSample`), and returns them.

    Args:
        score_thr: What scores more than this is there, see :func:`mmvg.structures.passes`.
        mask_thr: A pixel whose probability is more than this belongs to a mask.
        frame: Frame of the answers: ``'original'`` or ``'input'`` pixels.
        align_corners: Rule by which logits are enlarged to the input, as in
            :func:`torch.nn.functional.interpolate`. It must be the rule of the loss that the model was trained with.

    Raises:
        ValueError: If ``frame`` is neither, or a threshold is not in [0, 1].

    Examples:
        >>> import numpy as np
        >>> import torch
        >>> from mmvg.models.postprocess import BasePostprocess
        >>> from mmvg.structures import GroundingSample
        >>> frames = dict(img_shape=(16, 16), ori_shape=(32, 32), homography_matrix=np.diag([0.5, 0.5, 1]))
        >>> sample = GroundingSample(metainfo=frames)
        >>> postprocess = BasePostprocess(score_thr=0.5, mask_thr=0.5, frame='original', align_corners=False)
        >>> postprocess.masks_to_frame(postprocess.enlarge(torch.rand(1, 4, 4), sample), sample).shape
        torch.Size([1, 32, 32])
    """

    def __init__(self, score_thr: float, mask_thr: float, frame: str, align_corners: bool) -> None:
        check_choice(f'{type(self).__name__}.frame', frame, FRAMES)
        self.score_thr = check_threshold(score_thr, 'score_thr')
        self.mask_thr = check_threshold(mask_thr, 'mask_thr')
        self.frame = frame
        self.align_corners = align_corners

    def enlarge(self, maps: Tensor, sample: GroundingSample) -> Tensor:
        """Interpolate ``maps`` (N, h, w) bilinearly to the input (N, H, W) of ``sample``."""
        size = tuple(sample.img_shape[:2])
        if maps.shape[1:] == size:
            return maps
        return F.interpolate(maps[None], size=size, mode='bilinear', align_corners=self.align_corners)[0]

    def binary(self, prob: Tensor) -> Tensor:
        """Tell which pixels of ``prob`` (..., H, W) belong to a mask."""
        return passes(prob, self.mask_thr)

    def boxes_to_frame(self, boxes: Tensor, sample: GroundingSample) -> Tensor:
        """Bring boxes (..., 4) xyxy in input pixels to ``frame``."""
        return boxes if self.frame == 'input' else input_to_original_boxes(boxes, sample.metainfo)

    def points_to_frame(self, points: Tensor, sample: GroundingSample) -> Tensor:
        """Bring points (..., 2) in input pixels to ``frame``."""
        return points if self.frame == 'input' else input_to_original_points(points, sample.metainfo)

    def masks_to_frame(self, masks: Tensor, sample: GroundingSample, mode: str = 'nearest-exact') -> Tensor:
        """Bring masks or maps (N, H, W) in input pixels to ``frame``; see :func:`input_to_original_masks`."""
        return masks if self.frame == 'input' else input_to_original_masks(masks, sample.metainfo, mode)

    def decide(
        self,
        sample: GroundingSample,
        target_score: float,
        global_mask: Tensor | None,
        mask_output: str,
    ) -> None:
        """Write the verdict at ``score_thr`` and, if there are masks, their union; the instances are there already.

        Args:
            sample: In ``frame``.
            target_score: Score in [0, 1] that anything is meant.
            global_mask: (1, H, W) bool, or None if only instances have masks.
            mask_output: See :func:`mmvg.structures.union_mask`.
        """
        sample.target_score = target_score
        sample.pred_no_target = not passes(target_score, self.score_thr)
        sample.set_metainfo(dict(pred_frame=self.frame, score_thr=self.score_thr, mask_output=mask_output))
        if global_mask is not None:
            sample.pred_global_mask = global_mask
        masks = found = None
        if mask_output in ('instance', 'merge'):
            masks, found = sample.pred_instances.get('masks'), passes(sample.pred_instances.scores, self.score_thr)
        whole = None if global_mask is None else global_mask[0]
        union = union_mask(masks, found, whole, mask_output, sample.pred_no_target)
        if union is not None:
            sample.pred_sem_seg = PixelData(sem_seg=union[None])


def nan_where(logits: Tensor) -> Tensor:
    """Return 0 or NaN (B,), the latter where ``logits`` (B, ...) hold one.

    A NaN is above no threshold and would be an honest "nothing"; added to a score, it is found by the metrics.
    """
    return logits.new_zeros(len(logits), dtype=torch.float32).masked_fill(logits.flatten(1).isnan().any(1), torch.nan)


def mask_score(prob: Tensor, mask: Tensor) -> float:
    """Return the mean probability of the pixels in ``mask``, 0 if there is none; both are (..., H, W)."""
    return float(prob[mask].mean().clamp(0, 1)) if mask.any() else 0.0
