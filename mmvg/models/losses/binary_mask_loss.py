"""Loss of the one mask of an expression."""

import torch.nn.functional as F
from torch import Tensor

from mmvg.models.losses.mask_criterion import BceDice
from mmvg.models.losses.mask_loss import MaskLoss
from mmvg.registry import MODELS


@MODELS.register_module()
class BinaryMaskLoss(MaskLoss):
    r"""Binary cross-entropy and dice of mask logits.

    Args:
        bce_weight: Of the cross-entropy.
        dice_weight: Of the dice loss, 1 - (2 sum(p y) + 1) / (sum(p) + sum(y) + 1) per sample; 0 leaves it out.
        class_weights: Of background and foreground pixels; the mean is weighted by them. With (0.9, 1.1) and the
            difference of two class logits this is LAVT's cross-entropy (arXiv:2112.02244).
        resolution: See :class:`MaskLoss`, like the last two.
        reduction: See there.
        align_corners: See there.
    """

    def __init__(
        self,
        bce_weight: float = 1.0,
        dice_weight: float = 1.0,
        class_weights: tuple[float, float] | None = None,
        resolution: str = 'input',
        reduction: str = 'half',
        align_corners: bool = True,
    ) -> None:
        super().__init__(resolution, reduction, align_corners)
        self.bce_weight = bce_weight
        self.dice_weight = dice_weight
        self.class_weights = class_weights
        self.bce_dice = BceDice()

    def compare(self, logits: Tensor, masks: Tensor) -> dict[str, Tensor]:
        """Return ``loss_bce`` and, unless its weight is 0, ``loss_dice`` of ``logits`` (B, 1, h, w)."""
        logits, masks = logits.squeeze(1), masks.squeeze(1)
        losses = {}
        if self.class_weights is not None:
            background, foreground = self.class_weights
            weights = background + (foreground - background) * masks
            bce = F.binary_cross_entropy_with_logits(logits, masks, weights, reduction='sum') / weights.sum()
        else:
            bce = F.binary_cross_entropy_with_logits(logits, masks)
        losses['loss_bce'] = self.bce_weight * bce
        if self.dice_weight:
            losses['loss_dice'] = self.dice_weight * self.bce_dice.dice(logits, masks)
        return losses
