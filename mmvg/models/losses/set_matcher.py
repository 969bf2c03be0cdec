"""Pairing queries with targets: the point-guided object matcher and the query-mask aligner of InstanceVG."""

from dataclasses import dataclass

import torch
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmvg.models.losses.targets import GroundingTargets
from mmvg.registry import MODELS, TASK_UTILS
from mmvg.structures import cxcywh_to_xyxy


@dataclass
class Matching:
    """Who answers for what, for every decoder layer.

    Target i owns box i and mask i, and query k owns box k and mask k, so the pairs that were found by looking at boxes
    are the pairs of masks as well: that is the query-mask aligner (arXiv:2509.13747, Sec. 3.3.2).

    Args:
        assigned: (D, B, Q) int64: index into the T targets of the batch, or -1 for a query without a target.
    """

    assigned: Tensor

    def positives(self, layer: int = -1) -> Tensor:
        """(B, Q) bool: queries that have a target in this layer."""
        return self.assigned[layer] >= 0

    def targets(self, layer: int = -1) -> Tensor:
        """(P,) int64: the target of each positive query, in the order of ``x[positives]``."""
        return self.assigned[layer][self.positives(layer)]


@MODELS.register_module()
class SetMatcher(nn.Module):
    """Hungarian matching per image and per decoder layer (arXiv:2509.13747, Eq. 5, for the point-guided costs).

    With N > Q targets, Q of them are matched. Predictions that are not finite are matched as if they were zero: the
    loss that follows is not finite either, and tells.

    Args:
        assigner: An mmdet assigner over match costs. The costs see boxes and points in fractions of the image, with
            ``img_shape`` (1, 1).
    """

    def __init__(self, assigner: dict) -> None:
        super().__init__()
        self.assigner = TASK_UTILS.build(assigner)

    @torch.no_grad()
    def forward(
        self, class_logits: Tensor, boxes_cxcywh_norm: Tensor, points: Tensor | None, targets: GroundingTargets
    ) -> Matching:
        """Match ``class_logits`` (D, B, Q, 2) and ``boxes_cxcywh_norm`` (D, B, Q, 4) with the targets.

        ``points`` (B, Q, 2) are fractions of the image; they may be ``None`` if no cost asks for them. All of it runs
        on the CPU after one transfer, where the assignment is solved anyway.
        """
        logits = _finite(class_logits)
        boxes = cxcywh_to_xyxy(_finite(boxes_cxcywh_norm))
        points = None if points is None else _finite(points)
        target_boxes = cxcywh_to_xyxy(targets.boxes_cxcywh_norm.cpu()).split(targets.counts)
        assigned = torch.full(logits.shape[:3], -1, dtype=torch.int64)
        first = 0
        for image, image_boxes in enumerate(target_boxes):
            labels = torch.zeros(len(image_boxes), dtype=torch.int64)
            gt = InstanceData(bboxes=image_boxes, labels=labels)
            for layer in range(len(logits)):
                pred = InstanceData(scores=logits[layer, image], bboxes=boxes[layer, image])
                if points is not None:
                    pred.priors = points[image]
                found = self.assigner.assign(pred, gt, img_meta=dict(img_shape=(1, 1))).gt_inds - 1
                assigned[layer, image] = torch.where(found >= 0, found + first, -1)
            first += len(image_boxes)
        return Matching(assigned.to(class_logits.device))


def _finite(x: Tensor) -> Tensor:
    return x.float().nan_to_num(nan=0.0, posinf=0.0, neginf=0.0).cpu()
