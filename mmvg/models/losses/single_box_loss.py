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
    """Compare one box per expression by smooth L1 and GIoU: L_p^det of RaAM-RVG (ICCV 2025, eq. 13).

    Smooth L1 is summed over the four numbers of a box; both losses are averaged over the expressions with a target. If
    there are several targets, the box around them all is wanted.

    Args:
        loss_weight: lambda_2; the paper does not give it.
        beta: Error at which smooth L1 turns from quadratic to linear, in fractions of the input. With 1 all errors
            would be quadratic.

    Examples:
        >>> import torch
        >>> from mmvg.models.losses import GroundingTargets, SingleBoxLoss
        >>> targets = GroundingTargets.from_masks(torch.ones(1, 16, 16), counts=[1])  # the whole image
        >>> losses = SingleBoxLoss()(torch.tensor([[0.5, 0.5, 1.0, 0.5]]), targets)
        >>> {name: round(float(loss), 3) for name, loss in losses.items()}
        {'loss_bbox': 0.045, 'loss_giou': 0.05}
    """

    def __init__(self, loss_weight: float = 0.1, beta: float = 0.1) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.beta = beta
        self.giou = GIoULoss(reduction='sum')

    def forward(self, boxes_cxcywh_norm: Tensor, targets: GroundingTargets) -> dict[str, Tensor]:
        """Compute the losses.

        Args:
            boxes_cxcywh_norm: (B, 4), fractions of the input.
            targets: Targets of the batch.

        Returns:
            ``loss_bbox`` and ``loss_giou``; both are 0, with a gradient, if no expression has a target.
        """
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
    """Return the box (n, 4) around all targets of each image that has any, cxcywh in fractions of the input."""
    boxes = cxcywh_to_xyxy(targets.boxes_cxcywh_norm).split(targets.counts)
    around = [torch.cat([b[:, :2].amin(0), b[:, 2:].amax(0)]) for b in boxes if len(b)]
    return xyxy_to_cxcywh(torch.stack(around))
