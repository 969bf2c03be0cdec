"""Loss of one box per expression."""

import torch
import torch.nn.functional as F
from mmdet.models.losses import GIoULoss
from torch import Tensor, nn

from mmvg.models.losses.targets import GroundingTargets
from mmvg.registry import MODELS
from mmvg.structures import cxcywh_to_xyxy, xyxy_to_cxcywh


@MODELS.register_module()
class SingleBoxLoss(nn.Module):
    """Smooth L1, summed over the four numbers, and GIoU loss: L_p^det of RaAM-RVG (ICCV 2025, eq. 13).

    Mean over the expressions with a target. Several targets are compared as the box around them all.

    Args:
        loss_weight: lambda_2, which the paper does not tell.
        beta: Where smooth L1 turns from quadratic to linear, in fractions of the input. 1 would keep all errors
            quadratic.
    """

    def __init__(self, loss_weight: float = 0.1, beta: float = 0.1) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.beta = beta
        self.giou = GIoULoss(reduction='sum')

    def forward(self, boxes_cxcywh_norm: Tensor, targets: GroundingTargets) -> dict[str, Tensor]:
        """Return ``loss_bbox`` and ``loss_giou`` of boxes (B, 4) in fractions of the input."""
        boxes = boxes_cxcywh_norm.float()
        found = torch.tensor([count > 0 for count in targets.counts], device=boxes.device)
        if not found.any():
            return dict(loss_bbox=0 * boxes.sum(), loss_giou=0 * boxes.sum())
        wanted = enclosing_boxes(targets)
        weight = self.loss_weight / len(wanted)
        return dict(
            loss_bbox=weight * F.smooth_l1_loss(boxes[found], wanted, beta=self.beta, reduction='sum'),
            loss_giou=weight * self.giou(cxcywh_to_xyxy(boxes[found]), cxcywh_to_xyxy(wanted)),
        )


def enclosing_boxes(targets: GroundingTargets) -> Tensor:
    """For each image with a target the box around all its targets, cxcywh in fractions of the input."""
    boxes = cxcywh_to_xyxy(targets.boxes_cxcywh_norm).split(targets.counts)
    around = [torch.cat([b[:, :2].amin(0), b[:, 2:].amax(0)]) for b in boxes if len(b)]
    return xyxy_to_cxcywh(torch.stack(around))
