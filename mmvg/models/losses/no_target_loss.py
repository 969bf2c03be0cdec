"""Loss of the verdict that the expression means nothing in the image."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvg.models.losses.targets import GroundingTargets
from mmvg.registry import MODELS


@MODELS.register_module()
class NoTargetLoss(nn.Module):
    """Compare the no-target verdict with the truth by two-class cross-entropy (InstanceVG, arXiv:2509.13747, L_exist).

    Class 0 means that there is a target, class 1 that there is none. The paper says BCE; this is what its code
    computes.

    Args:
        loss_weight: lambda_exist of Eq. 6.
        class_weights: Weights of samples with and without a target; the mean is weighted by them.

    Examples:
        >>> import torch
        >>> from mmvg.models.losses import NoTargetLoss, GroundingTargets
        >>> targets = GroundingTargets.from_masks(torch.ones(1, 16, 16), counts=[1, 0])  # no target in the second
        >>> NoTargetLoss()(torch.zeros(2, 2), targets)
        {'loss_no_target': tensor(0.1386)}
    """

    def __init__(self, loss_weight: float = 0.2, class_weights: tuple[float, float] = (0.9, 1.1)) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.register_buffer('class_weights', torch.tensor(class_weights), persistent=False)

    def forward(self, no_target_logits: Tensor, targets: GroundingTargets) -> dict[str, Tensor]:
        """Return ``loss_no_target`` of ``no_target_logits`` (B, 2)."""
        loss = F.cross_entropy(no_target_logits.float(), targets.no_target.long(), self.class_weights)
        return dict(loss_no_target=self.loss_weight * loss)
