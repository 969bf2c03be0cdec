"""From the raw outputs of an instance head to answered samples."""

import math

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmvg.checks import check_choice
from mmvg.models.postprocess.base_postprocess import BasePostprocess, nan_where
from mmvg.models.postprocess.box_postprocess import without_overlapping
from mmvg.models.postprocess.masks_nearby import masks_nearby
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample, cxcywh_to_xyxy, image_window

MASK_OUTPUTS = ('merge', 'instance', 'global')


#: Probabilities in the frame of the answer that are held at once.
_MAX_FLOATS = 2**25


@MODELS.register_module()
class InstancePostprocess(BasePostprocess):
    r"""Scores, filters and merges queries (InstanceVG, arXiv:2509.13747, Sec. 3.5 and Tables 13 to 15).

    The score of query k is :math:`s_k = softmax(c_k)_0 \cdot \sigma(e_0)`, e_0 being the has-target logit; it is
    valid if :math:`s_k > thr_q`. A mask is :math:`\sigma(x) > thr_m`. All queries are reported, in their order; the
    valid ones only decide about the mask of the expression and about ``pred_no_target``.

    Args:
        score_weighted: Whether s_k has its second factor (Table 15).
        nms_thr: A query whose box overlaps a better one by more than this IoU gets score 0 (Table 15).
        score_thr: thr_q (Table 13).
        mask_thr: thr_m.
        mask_output: The mask of the expression (Table 14): ``'instance'``, the union of the valid queries' masks;
            ``'global'``; or ``'merge'``, either of them. The global mask is not gated by any score.
        frame: See :class:`BasePostprocess`, like ``align_corners``.
        align_corners: On the way to the input.

    Raises:
        ValueError: If ``mask_output`` or ``frame`` is unknown.

    Examples:
        >>> import numpy as np
        >>> import torch
        >>> from mmvg.models.postprocess import InstancePostprocess
        >>> from mmvg.structures import GroundingSample
        >>> frames = dict(img_shape=(16, 16), ori_shape=(32, 32), homography_matrix=np.diag([0.5, 0.5, 1]))
        >>> sample = GroundingSample(metainfo=frames)
        >>> outputs = dict(
        ...     class_logits=torch.randn(1, 1, 3, 2),  # D = 1 layer, B = 1 image, Q = 3 queries
        ...     boxes_cxcywh_norm=torch.rand(1, 1, 3, 4),
        ...     instance_mask_logits=torch.randn(1, 3, 4, 4),
        ...     global_mask_logits=torch.randn(1, 1, 4, 4),
        ...     no_target_logits=torch.randn(1, 2),
        ...     points=None,
        ... )
        >>> (answer,) = InstancePostprocess()(outputs, [sample])
        >>> answer.pred_instances.bboxes.shape, answer.pred_sem_seg.sem_seg.shape
        (torch.Size([3, 4]), torch.Size([1, 32, 32]))
    """

    def __init__(
        self,
        score_weighted: bool = True,
        nms_thr: float | None = None,
        score_thr: float = 0.7,
        mask_thr: float = 0.5,
        mask_output: str = 'merge',
        frame: str = 'original',
        align_corners: bool = True,
    ) -> None:
        super().__init__(score_thr, mask_thr, frame, align_corners)
        check_choice('InstancePostprocess.mask_output', mask_output, MASK_OUTPUTS)
        self.score_weighted = score_weighted
        self.nms_thr = nms_thr
        self.mask_output = mask_output

    @torch.no_grad()
    def __call__(self, outputs: dict[str, Tensor], samples: list[GroundingSample]) -> list[GroundingSample]:
        """Write the answers in ``outputs`` (see :meth:`InstanceHead.forward`) onto ``samples``, and return these."""
        scores = outputs['class_logits'][-1].float().softmax(-1)[..., 0]
        if self.score_weighted:
            scores = scores * outputs['no_target_logits'].float()[:, :1].sigmoid()
        masks, whole = outputs['instance_mask_logits'], outputs['global_mask_logits']
        best = (scores.amax(1) + nan_where(masks) + nan_where(whole)).tolist()  # the device is waited for once a batch
        for i, sample in enumerate(samples):
            self._answer(
                sample,
                best[i],
                scores[i],
                cxcywh_to_xyxy(outputs['boxes_cxcywh_norm'][-1, i].float()),
                None if outputs['points'] is None else outputs['points'][i].float(),
                self._binary_masks(masks[i], sample),
                self._binary_masks(whole[i], sample),
            )
            if outputs.get('attention') is not None:
                sample.pred_attention = outputs['attention'][i].float()
        return samples

    def _binary_masks(self, logits: Tensor, sample: GroundingSample) -> Tensor:
        """Turn logits (N, h, w) into bool masks (N, H, W) in ``frame``, by way of probabilities there."""
        logits = logits.float()
        if logits.device.type == 'cpu' and math.isfinite(logits.sum()):
            return self._masks_nearby(logits, sample)
        return self._masks_everywhere(logits, sample)

    def _masks_everywhere(self, logits: Tensor, sample: GroundingSample) -> Tensor:
        prob = self.enlarge(logits, sample).sigmoid()
        height, width = sample.get('ori_shape', sample.img_shape)[:2]
        some = max(1, _MAX_FLOATS // (height * width))  # of a large photograph, all at once take gigabytes
        return torch.cat([self.binary(self.masks_to_frame(part, sample, mode='bilinear')) for part in prob.split(some)])

    def _masks_nearby(self, logits: Tensor, sample: GroundingSample) -> Tensor:
        size = tuple(sample.img_shape[:2])
        if self.frame == 'input':
            return masks_nearby(logits, size, self.mask_thr, self.align_corners)
        window, frame_size = image_window(sample.metainfo, size), tuple(sample.ori_shape[:2])
        return masks_nearby(logits, size, self.mask_thr, self.align_corners, window, frame_size)

    def _answer(
        self,
        sample: GroundingSample,
        target_score: float,
        scores: Tensor,
        boxes_norm: Tensor,
        points_norm: Tensor | None,
        masks: Tensor,
        global_mask: Tensor,
    ) -> None:
        height, width = sample.img_shape[:2]
        size = boxes_norm.new_tensor([width, height])
        boxes = boxes_norm.clamp(0, 1) * size.repeat(2)
        if self.nms_thr is not None:
            scores = without_overlapping(boxes, scores, self.nms_thr)
        points = None if points_norm is None else points_norm * size
        sample.pred_instances = InstanceData(bboxes=self.boxes_to_frame(boxes, sample), scores=scores, masks=masks)
        if points is not None:
            sample.pred_instances.points = self.points_to_frame(points, sample)
        self.decide(sample, target_score, global_mask, self.mask_output)
