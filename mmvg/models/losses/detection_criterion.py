"""The set loss of DETR on class logits and boxes."""

import torch
import torch.nn.functional as F
from mmdet.models.losses import GIoULoss, L1Loss
from mmdet.utils import reduce_mean
from torch import Tensor, nn

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
        self.l1 = L1Loss(reduction='sum')
        self.giou = GIoULoss(eps=1e-6, reduction='sum')

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
        number = reduce_mean(class_logits.new_tensor(float(sum(targets.counts)), dtype=torch.float32)).clamp(min=1)
        losses = {}
        last = len(class_logits) - 1
        for layer in range(last + 1):
            parts = self._one_layer(class_logits[layer], boxes_cxcywh_norm[layer], matching, layer, targets, number)
            weights = self.weights if layer == last or self.aux_loss_weighted else (1.0, 1.0, 1.0)
            prefix = '' if layer == last else f'd{layer}.'
            for name, part, weight in zip(('cls', 'bbox', 'giou'), parts, weights, strict=True):
                losses[f'{prefix}loss_{name}'] = self.loss_weight * weight * part
        return losses

    def _one_layer(
        self, logits: Tensor, boxes: Tensor, matching: Matching, layer: int, targets: GroundingTargets, number: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        positive = matching.positives(layer)
        logits, boxes = logits.float(), boxes.float()
        loss_cls = F.cross_entropy(logits.flatten(0, 1), (~positive).long().flatten(), self.class_weights)
        predicted, wanted = boxes[positive], targets.boxes_cxcywh_norm[matching.targets(layer)]
        connected = 0 * boxes.sum()  # keeps the box branch in the graph when nothing was matched
        loss_bbox = self.l1(predicted, wanted) / number + connected
        loss_giou = self.giou(cxcywh_to_xyxy(predicted), cxcywh_to_xyxy(wanted)) / number + connected
        return loss_cls, loss_bbox, loss_giou
