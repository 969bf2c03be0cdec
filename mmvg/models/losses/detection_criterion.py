"""The set loss of DETR on class logits and boxes."""

import torch
import torch.nn.functional as F
from mmdet.utils import reduce_mean
from torch import Tensor, nn

from mmvg.models.layers import send
from mmvg.models.losses.set_matcher import Matching
from mmvg.models.losses.targets import GroundingTargets
from mmvg.registry import MODELS
from mmvg.structures import cxcywh_to_xyxy


@MODELS.register_module()
class DetectionCriterion(nn.Module):
    r"""Compute class, L1 and GIoU losses of every decoder layer (InstanceVG, arXiv:2509.13747, L_detr in Eq. 6).

    With P the matched pairs of a layer and n the number of all targets of the batch, averaged over ranks, at least 1:

    .. math::
        L = \lambda \Big[ w_c \frac{\sum_q c_q CE_q}{\sum_q c_q} + w_b \frac1n \sum_P |b - \hat b|_1
            + w_g \frac1n \sum_P (1 - GIoU) \Big]

    over cxcywh fractions of the image; c_q is 1 for a matched query and ``no_object_weight`` for the others. Targets
    that found no query still count in n.

    Args:
        loss_weight: lambda, the weight of the whole loss.
        cls_weight: w_c.
        bbox_weight: w_b.
        giou_weight: w_g.
        no_object_weight: c of a query without a target.
        aux_loss_weighted: Whether w_c, w_b and w_g apply to the layers before the last as well. In the authors' code
            they do not (1, 1, 1), because its table of weights does not contain the suffixed names.

    Examples:
        >>> import torch
        >>> from mmvg.models.losses import DetectionCriterion, GroundingTargets, Matching
        >>> targets = GroundingTargets.from_masks(torch.ones(1, 16, 16), counts=[1])
        >>> matching = Matching(torch.tensor([[[0, -1]]]))  # D = 1 layer, B = 1 image, Q = 2 queries
        >>> losses = DetectionCriterion()(torch.zeros(1, 1, 2, 2), torch.rand(1, 1, 2, 4), matching, targets)
        >>> list(losses)
        ['loss_cls', 'loss_bbox', 'loss_giou']
    """

    def __init__(
        self,
        loss_weight: float = 0.1,
        cls_weight: float = 1.0,
        bbox_weight: float = 5.0,
        giou_weight: float = 2.0,
        no_object_weight: float = 0.1,
        aux_loss_weighted: bool = False,
    ) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.weights = (cls_weight, bbox_weight, giou_weight)
        self.aux_loss_weighted = aux_loss_weighted
        self.register_buffer('class_weights', torch.tensor([1.0, no_object_weight]), persistent=False)

    def forward(
        self, class_logits: Tensor, boxes_cxcywh_norm: Tensor, matching: Matching, targets: GroundingTargets
    ) -> dict[str, Tensor]:
        """Compute the losses of every layer.

        Args:
            class_logits: (D, B, Q, 2), class 0 = target, class 1 = nothing.
            boxes_cxcywh_norm: (D, B, Q, 4), fractions of the input image.
            matching: Which query answers for which target, in each layer.
            targets: Targets of the batch.

        Returns:
            ``loss_cls``, ``loss_bbox`` and ``loss_giou`` of the last layer, and ``d<i>.loss_...`` of layer i < D-1.
        """
        number = torch.full((), float(sum(targets.counts)), device=class_logits.device)
        parts = self._of_layers(class_logits.float(), boxes_cxcywh_norm.float(), matching, targets)
        divisor = reduce_mean(number).clamp(min=1)
        parts = dict(cls=parts[0], bbox=parts[1] / divisor, giou=parts[2] / divisor)
        losses = {}
        last = len(class_logits) - 1
        for layer in range(last + 1):
            weights = self.weights if layer == last or self.aux_loss_weighted else (1.0, 1.0, 1.0)
            prefix = '' if layer == last else f'd{layer}.'
            for (name, part), weight in zip(parts.items(), weights, strict=True):
                losses[f'{prefix}loss_{name}'] = self.loss_weight * weight * part[layer]
        return losses

    def _of_layers(
        self, logits: Tensor, boxes: Tensor, matching: Matching, targets: GroundingTargets
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return class, L1 and GIoU loss (D,) of all layers at once.

        All queries are compared, those without a target with a box of zeros that does not count: so nothing has a size
        that only the device knows.
        """
        assigned = send(matching.assigned, logits.device)
        positive = assigned >= 0
        labels = (~positive).long().flatten(1)  # (D, B * Q)
        entropy = F.cross_entropy(logits.flatten(0, 2), labels.flatten(), self.class_weights, reduction='none')
        loss_cls = entropy.view_as(labels).sum(1) / self.class_weights[labels].sum(1)
        wanted = F.pad(targets.boxes_cxcywh_norm, (0, 0, 0, 1))[assigned]  # -1 is the last row, of zeros
        counted = positive.to(boxes.dtype)
        loss_bbox = ((boxes - wanted).abs().sum(-1) * counted).sum((1, 2))
        overlap = aligned_giou(cxcywh_to_xyxy(boxes), cxcywh_to_xyxy(wanted))
        return loss_cls, loss_bbox, ((1 - overlap) * counted).sum((1, 2))


def aligned_giou(boxes: Tensor, others: Tensor, eps: float = 1e-6) -> Tensor:
    """Return the GIoU (...,) of pairs of boxes (..., 4) xyxy (arXiv:1902.09630), as mmdet's ``GIoULoss`` computes it.

    That one asks the device questions on the way.

    Args:
        boxes: Fractions of the image.
        others: As many.
        eps: The least area that anything is divided by.

    Examples:
        >>> import torch
        >>> from mmvg.models.losses.detection_criterion import aligned_giou
        >>> aligned_giou(torch.tensor([0.0, 0.0, 1.0, 1.0]), torch.tensor([0.5, 0.0, 1.0, 1.0]))
        tensor(0.5000)
    """
    around = torch.maximum(boxes[..., 2:], others[..., 2:]) - torch.minimum(boxes[..., :2], others[..., :2])
    overlap, union = _overlap_and_union(boxes, others, eps)
    hull = _area(around.clamp(0)).clamp(eps)
    return overlap / union - (hull - union) / hull


def aligned_iou(boxes: Tensor, others: Tensor, eps: float = 1e-6) -> Tensor:
    """Return the IoU (...,) of pairs of boxes (..., 4) xyxy; arguments as for :func:`aligned_giou`.

    Examples:
        >>> import torch
        >>> from mmvg.models.losses.detection_criterion import aligned_iou
        >>> aligned_iou(torch.tensor([0.0, 0.0, 1.0, 1.0]), torch.tensor([0.5, 0.0, 1.0, 1.0]))
        tensor(0.5000)
    """
    overlap, union = _overlap_and_union(boxes, others, eps)
    return overlap / union


def _overlap_and_union(boxes: Tensor, others: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    sides = (torch.minimum(boxes[..., 2:], others[..., 2:]) - torch.maximum(boxes[..., :2], others[..., :2])).clamp(0)
    overlap = _area(sides)
    union = (_area(boxes[..., 2:] - boxes[..., :2]) + _area(others[..., 2:] - others[..., :2]) - overlap).clamp(eps)
    return overlap, union


def _area(sides: Tensor) -> Tensor:
    return sides[..., 0] * sides[..., 1]
