"""Loss of one box per expression."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvg.models.layers import send
from mmvg.models.losses.detection_criterion import aligned_giou
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

    def forward(self, boxes_cxcywh_norm: Tensor, targets: GroundingTargets) -> dict[str, Tensor]:
        """Compute the losses.

        Args:
            boxes_cxcywh_norm: (B, 4), fractions of the input.
            targets: Targets of the batch.

        Returns:
            ``loss_bbox`` and ``loss_giou``; both are 0, with a gradient, if no expression has a target.
        """
        boxes = boxes_cxcywh_norm.float()
        found = torch.tensor(targets.counts).nonzero()[:, 0]
        if not len(found):
            return dict(loss_bbox=0 * boxes.sum(), loss_giou=0 * boxes.sum())
        boxes, wanted = boxes[send(found, boxes.device)], enclosing_boxes(targets)
        weight = self.loss_weight / len(wanted)
        overlap = aligned_giou(cxcywh_to_xyxy(boxes), cxcywh_to_xyxy(wanted))
        return dict(
            loss_bbox=weight * F.smooth_l1_loss(boxes, wanted, beta=self.beta, reduction='sum'),
            loss_giou=weight * (1 - overlap).sum(),
        )


def enclosing_boxes(targets: GroundingTargets) -> Tensor:
    """Return the box (n, 4) around all targets of each image that has any, cxcywh in fractions of the input."""
    boxes = cxcywh_to_xyxy(targets.boxes_cxcywh_norm)
    counts = torch.tensor([count for count in targets.counts if count])
    image = send(torch.arange(len(counts)).repeat_interleave(counts), boxes.device)
    far = torch.cat([-boxes[:, :2], boxes[:, 2:]], dim=1)  # the farthest of both corners
    far = torch.full_like(far[: len(counts)], -torch.inf).scatter_reduce(0, image[:, None].expand_as(far), far, 'amax')
    return xyxy_to_cxcywh(torch.cat([-far[:, :2], far[:, 2:]], dim=1))
