"""Teach a small branch by the truth first, and by a larger branch as far as that one is right."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from mmvg.models.layers import send
from mmvg.models.losses.detection_criterion import aligned_iou
from mmvg.models.losses.set_matcher import Matching
from mmvg.models.losses.targets import GroundingTargets
from mmvg.registry import MODELS
from mmvg.structures import cxcywh_to_xyxy


@MODELS.register_module()
class WeightBalancedDistillation(nn.Module):
    r"""Balance truth and teacher by how right the teacher is: DWBD of SimVG (arXiv:2409.17531, Sec. 3.3).

    The teacher's queries that are paired with a target are targets for the student too. With P these pairs of the
    batch, s the teacher's score and IoU the overlap of its box with the truth:

    .. math::
        W = \frac{1}{|P|} \sum_P s \cdot IoU, \qquad
        L = (1 - W) \, w_t \, L_{set}(student, truth) + W \, w_d \, L_{set}(student, teacher)

    W has no gradient, and is 0 if nothing in the batch is paired. Each process has a W of its own.

    Args:
        truth_weight: w_t.
        teacher_weight: w_d.
        balance: Takes the place of W; None computes it.

    Examples:
        >>> distillation = WeightBalancedDistillation()
        >>> targets = GroundingTargets.from_masks(torch.ones(1, 16, 16), counts=[1])
        >>> matching = Matching(torch.tensor([[[-1, 0]]]))  # one image, two queries
        >>> logits, boxes = torch.zeros(1, 2, 2), torch.tensor([[[0.1, 0.1, 0.1, 0.1], [0.5, 0.5, 1.0, 0.5]]])
        >>> taught, balance = distillation.teach(logits, boxes, matching, targets)
        >>> taught.boxes_cxcywh_norm, balance  # its score is 0.5, its overlap too
        (tensor([[0.5000, 0.5000, 1.0000, 0.5000]]), tensor(0.2500))
    """

    def __init__(self, truth_weight: float = 2.0, teacher_weight: float = 1.0, balance: float | None = None) -> None:
        super().__init__()
        self.truth_weight = truth_weight
        self.teacher_weight = teacher_weight
        self.balance = balance

    def forward(
        self, truth_losses: dict[str, Tensor], taught_losses: dict[str, Tensor], balance: Tensor
    ) -> dict[str, Tensor]:
        """Weigh the set losses of the student.

        Args:
            truth_losses: Against the truth.
            taught_losses: Against the targets of :meth:`teach`.
            balance: W of :meth:`teach`.

        Returns:
            Both under ``token.<name>`` and ``taught.<name>``, and ``teacher_trust``, which is W and no loss.
        """
        weights = dict(token=(1 - balance) * self.truth_weight, taught=balance * self.teacher_weight)
        losses = dict(token=truth_losses, taught=taught_losses)
        weighted = {f'{kind}.{name}': weights[kind] * value for kind in losses for name, value in losses[kind].items()}
        return weighted | dict(teacher_trust=balance)

    @torch.no_grad()
    def teach(
        self, class_logits: Tensor, boxes_cxcywh_norm: Tensor, matching: Matching, targets: GroundingTargets
    ) -> tuple[GroundingTargets, Tensor]:
        """Make targets of what the teacher has found.

        Args:
            class_logits: (B, Q, 2) of the teacher, class 0 = target.
            boxes_cxcywh_norm: (B, Q, 4), fractions of the input image.
            matching: Of the teacher's queries with the truth; its last layer counts.
            targets: The truth.

        Returns:
            The paired boxes of the teacher as targets without masks, in the order of images and queries, and W.
        """
        paired = matching.positives()
        device = class_logits.device
        rows = send(paired.flatten().nonzero()[:, 0], device)
        boxes = boxes_cxcywh_norm.float().flatten(0, 1)[rows]
        taught = replace(
            targets, boxes_cxcywh_norm=boxes, counts=paired.sum(1).tolist(), masks=None, union=None, mask_known=None
        )
        if self.balance is not None or not len(rows):
            return taught, torch.full((), self.balance or 0.0, device=device)
        scores = class_logits.float().softmax(-1)[..., 0].flatten()[rows]
        wanted = targets.boxes_cxcywh_norm[send(matching.targets(), device)]
        return taught, (scores * aligned_iou(cxcywh_to_xyxy(boxes), cxcywh_to_xyxy(wanted))).mean()
