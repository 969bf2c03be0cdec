"""Loss of the one mask of an expression."""

import torch.nn.functional as F
from torch import Tensor, nn

from mmvg.models.losses.mask_criterion import BceDice
from mmvg.models.losses.targets import GroundingTargets
from mmvg.registry import MODELS


@MODELS.register_module()
class BinaryMaskLoss(nn.Module):
    r"""Binary cross-entropy and dice of mask logits, brought to the input size (bilinear, align_corners).

    Args:
        bce_weight: Of the cross-entropy.
        dice_weight: Of the dice loss, 1 - (2 sum(p y) + 1) / (sum(p) + sum(y) + 1) per sample; 0 leaves it out.
        class_weights: Of background and foreground pixels; the mean is weighted by them. With (0.9, 1.1) and the
            difference of two class logits this is LAVT's cross-entropy (arXiv:2112.02244).
    """

    def __init__(
        self, bce_weight: float = 1.0, dice_weight: float = 1.0, class_weights: tuple[float, float] | None = None
    ) -> None:
        super().__init__()
        self.bce_weight = bce_weight
        self.dice_weight = dice_weight
        self.class_weights = class_weights
        self.bce_dice = BceDice()

    def forward(self, mask_logits: Tensor, targets: GroundingTargets) -> dict[str, Tensor]:
        """Return ``loss_bce`` and, unless its weight is 0, ``loss_dice`` of ``mask_logits`` (B, 1, h, w).

        Raises:
            ValueError: If the samples have no masks.
        """
        if targets.union is None:
            raise ValueError('BinaryMaskLoss needs gt_sem_seg on every sample')
        logits = F.interpolate(
            mask_logits.float(), size=targets.input_shape, mode='bilinear', align_corners=True
        ).squeeze(1)
        wanted = targets.union[:, 0].to(logits.dtype)
        losses = {}
        if self.class_weights is not None:
            background, foreground = self.class_weights
            weights = background + (foreground - background) * wanted
            bce = F.binary_cross_entropy_with_logits(logits, wanted, weights, reduction='sum') / weights.sum()
        else:
            bce = F.binary_cross_entropy_with_logits(logits, wanted)
        losses['loss_bce'] = self.bce_weight * bce
        if self.dice_weight:
            losses['loss_dice'] = self.dice_weight * self.bce_dice.dice(logits, wanted)
        return losses
