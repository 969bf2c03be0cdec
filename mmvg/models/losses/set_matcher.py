"""Pair queries with targets: the point-guided object matcher and the query-mask aligner of InstanceVG."""

from dataclasses import dataclass

import torch
from mmengine.structures import InstanceData
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

from mmvg.models.losses.targets import GroundingTargets
from mmvg.registry import MODELS, TASK_UTILS
from mmvg.structures import cxcywh_to_xyxy


@dataclass
class Matching:
    """Say which query answers for which target, in every decoder layer.

    Target i owns box i and mask i, and query k owns box k and mask k, so the pairs that were found by looking at boxes
    are the pairs of masks as well: that is the query-mask aligner (arXiv:2509.13747, Sec. 3.3.2).

    Args:
        assigned: (D, B, Q) int64: index into the T targets of the batch, or -1 for a query without a target. It stays
            on the host, where it is found, so that everybody knows how many pairs there are without asking a GPU.

    Examples:
        >>> import torch
        >>> from mmvg.models.losses import Matching
        >>> matching = Matching(torch.tensor([[[1, -1, 0]]]))  # D = 1 layer, B = 1 image, Q = 3 queries
        >>> matching.positives(), matching.targets()
        (tensor([[ True, False,  True]]), tensor([1, 0]))
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
    """Match queries and targets per image and decoder layer (arXiv:2509.13747, Eq. 5, with the point-guided costs).

    The pairs are those of mmdet's Hungarian assigner, called for each image and layer; but all costs are computed at
    once, which takes a tenth of the time. With N > Q targets, Q of them are matched. Predictions that are not finite
    are matched as if they were zero: the loss that follows is not finite either, and stops the training.

    Args:
        assigner: An mmdet ``HungarianAssigner``, for its match costs. They see boxes and points in fractions of the
            image, with ``img_shape`` (1, 1).

    Examples:
        >>> import torch
        >>> from mmdet.models.task_modules.assigners import BBoxL1Cost, HungarianAssigner
        >>> from mmvg.models.losses import GroundingTargets, SetMatcher
        >>> assigner = dict(type=HungarianAssigner, match_costs=[dict(type=BBoxL1Cost, box_format='xywh')])
        >>> boxes = torch.tensor([[[[0.1, 0.1, 0.1, 0.1], [0.5, 0.5, 1.0, 1.0]]]])  # the second one is right
        >>> targets = GroundingTargets.from_masks(torch.ones(1, 16, 16), counts=[1])
        >>> SetMatcher(assigner)(torch.zeros(1, 1, 2, 2), boxes, None, targets).assigned
        tensor([[[-1,  0]]])
    """

    def __init__(self, assigner: dict) -> None:
        super().__init__()
        self.assigner = TASK_UTILS.build(assigner)

    @torch.no_grad()
    def forward(
        self, class_logits: Tensor, boxes_cxcywh_norm: Tensor, points: Tensor | None, targets: GroundingTargets
    ) -> Matching:
        """Match all queries with the targets of their image.

        All of it runs on the CPU after one transfer, the only one, because the assignment is solved there anyway; what
        is there already (:func:`to_host`) stays.

        Args:
            class_logits: (D, B, Q, 2).
            boxes_cxcywh_norm: (D, B, Q, 4), fractions of the image.
            points: (B, Q, 2), fractions of the image; may be ``None`` if no cost asks for them.
            targets: Targets of the batch.
        """
        assigned = torch.full(class_logits.shape[:3], -1, dtype=torch.int64)
        if sum(targets.counts):
            costs = self._costs(class_logits, boxes_cxcywh_norm, points, targets).numpy()
            found = assigned.numpy()
            for layer, layer_costs in enumerate(costs):
                first = 0
                for image, count in enumerate(targets.counts):
                    rows, columns = linear_sum_assignment(layer_costs[image, :, first : first + count])
                    found[layer, image, rows] = columns + first
                    first += count
        return Matching(assigned)

    def _costs(
        self, class_logits: Tensor, boxes_cxcywh_norm: Tensor, points: Tensor | None, targets: GroundingTargets
    ) -> Tensor:
        """Return the costs (D, B, Q, T) of every query with the targets of all images."""
        shape = class_logits.shape[:3]
        read = [class_logits, boxes_cxcywh_norm, targets.boxes_cxcywh_norm, *([] if points is None else [points])]
        logits, boxes, wanted, *priors = to_host(read)
        pred = InstanceData(scores=logits.flatten(0, 2), bboxes=cxcywh_to_xyxy(boxes.flatten(0, 2)))
        if priors:
            pred.priors = priors[0].expand(*shape, 2).flatten(0, 2)
        gt = InstanceData(bboxes=cxcywh_to_xyxy(wanted), labels=torch.zeros(len(wanted), dtype=torch.int64))
        meta = dict(img_shape=(1, 1))
        return sum(cost(pred, gt, img_meta=meta) for cost in self.assigner.match_costs).unflatten(0, shape)


def to_host(tensors: list[Tensor]) -> list[Tensor]:
    """Bring tensors of one device to the CPU in one transfer, in float32, without a gradient; not finite are zeros.

    Examples:
        >>> to_host([torch.tensor([1.0, torch.nan]), torch.zeros(1, 2)])
        [tensor([1., 0.]), tensor([[0., 0.]])]
    """
    together = (
        torch.cat([x.detach().flatten().float() for x in tensors]).nan_to_num(nan=0.0, posinf=0.0, neginf=0.0).cpu()
    )
    parts = together.split([x.numel() for x in tensors])
    return [part.view(x.shape) for part, x in zip(parts, tensors, strict=True)]
