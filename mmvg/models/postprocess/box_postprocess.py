"""From classes and boxes of queries to answered samples, for models without masks."""

import torch
from mmcv.ops import nms
from mmengine.structures import InstanceData
from torch import Tensor

from mmvg.models.postprocess.base_postprocess import BasePostprocess
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample, cxcywh_to_xyxy


@MODELS.register_module()
class BoxPostprocess(BasePostprocess):
    """Reports all queries with their scores, in their order; the best score says whether anything is meant.

    Args:
        score_thr: What scores more than this is there.
        nms_thr: A query whose box overlaps a better one by more than this IoU gets score 0.
        frame: See :class:`BasePostprocess`.

    Examples:
        >>> import numpy as np
        >>> import torch
        >>> from mmvg.models.postprocess import BoxPostprocess
        >>> from mmvg.structures import GroundingSample
        >>> frames = dict(img_shape=(16, 16), ori_shape=(32, 32), homography_matrix=np.diag([0.5, 0.5, 1]))
        >>> logits, boxes = torch.tensor([[[2.0, 0.0]]]), torch.tensor([[[0.5, 0.5, 1.0, 1.0]]])
        >>> (answer,) = BoxPostprocess()(logits, boxes, [GroundingSample(metainfo=frames)])
        >>> answer.pred_instances.bboxes, answer.pred_no_target
        (tensor([[ 0.,  0., 32., 32.]]), False)
    """

    def __init__(self, score_thr: float = 0.7, nms_thr: float | None = None, frame: str = 'original') -> None:
        super().__init__(score_thr, mask_thr=0.5, frame=frame, align_corners=False)
        self.nms_thr = nms_thr

    @torch.no_grad()
    def __call__(
        self, class_logits: Tensor, boxes_cxcywh_norm: Tensor, samples: list[GroundingSample]
    ) -> list[GroundingSample]:
        """Write the answers onto ``samples``, and return these.

        Args:
            class_logits: (B, Q, 2), class 0 = target, class 1 = nothing.
            boxes_cxcywh_norm: (B, Q, 4), fractions of the input image.
            samples: B of them.
        """
        scores = class_logits.float().softmax(-1)[..., 0]
        best = scores.amax(1).tolist()  # the device is waited for once a batch
        boxes = cxcywh_to_xyxy(boxes_cxcywh_norm.float()).clamp(0, 1)
        for i, sample in enumerate(samples):
            height, width = sample.img_shape[:2]
            placed = boxes[i] * boxes.new_tensor([width, height, width, height])
            kept = scores[i] if self.nms_thr is None else without_overlapping(placed, scores[i], self.nms_thr)
            sample.pred_instances = InstanceData(bboxes=self.boxes_to_frame(placed, sample), scores=kept)
            self.decide(sample, best[i], None, 'instance')
        return samples


def without_overlapping(boxes: Tensor, scores: Tensor, threshold: float) -> Tensor:
    """Return ``scores`` (Q,) with 0 for every one of the ``boxes`` (Q, 4) that greedy NMS drops.

    Examples:
        >>> import torch
        >>> boxes = torch.tensor([[0.0, 0, 4, 4], [0, 0, 4, 5], [6, 0, 9, 4]])
        >>> without_overlapping(boxes, torch.tensor([0.5, 0.9, 0.7]), 0.5)
        tensor([0.0000, 0.9000, 0.7000])
    """
    _, kept = nms(boxes, scores, threshold)
    return torch.zeros_like(scores).index_copy(0, kept, scores[kept])
