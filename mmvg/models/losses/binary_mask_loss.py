"""Binary cross-entropy and dice loss of a mask."""

import torch.nn.functional as F
from torch import Tensor

from mmvg.checks import check_choice
from mmvg.models.losses.mask_criterion import BceDice
from mmvg.models.losses.mask_loss import MaskLoss
from mmvg.registry import MODELS


@MODELS.register_module()
class BinaryMaskLoss(MaskLoss):
    """Compare mask logits with the union mask by binary cross-entropy and dice.

    The dice loss of a sample is 1 - (2 sum(p y) + 1) / (sum(p) + sum(y) + 1), with p the sigmoid of its logits.

    Args:
        bce_weight: Weight of the cross-entropy; 0 leaves it out.
        dice_weight: Weight of the dice loss; 0 leaves it out.
        dice_classes: 1, the dice loss is that of the target; 2, it is the mean of those of target and background, the
            multi-class dice loss by which LAVT's ``lavt_one`` was trained.
        class_weights: Weights of background and foreground pixels; the mean of the cross-entropy is weighted by them.
            With (0.9, 1.1) and the difference of two class logits this is LAVT's cross-entropy (arXiv:2112.02244).
        resolution: See :class:`MaskLoss`.
        reduction: See :class:`MaskLoss`.
        align_corners: See :class:`MaskLoss`.

    Raises:
        ValueError: If ``dice_classes`` is neither 1 nor 2.

    Examples:
        >>> import torch
        >>> from mmvg.models.losses import BinaryMaskLoss, GroundingTargets
        >>> targets = GroundingTargets.from_masks(torch.ones(1, 16, 16), counts=[1])
        >>> losses = BinaryMaskLoss(dice_weight=2.0)(torch.zeros(1, 1, 4, 4), targets)
        >>> {name: round(float(loss), 3) for name, loss in losses.items()}
        {'loss_bce': 0.693, 'loss_dice': 0.665}
    """

    def __init__(
        self,
        bce_weight: float = 1.0,
        dice_weight: float = 1.0,
        class_weights: tuple[float, float] | None = None,
        resolution: str = 'input',
        reduction: str = 'half',
        align_corners: bool = True,
        dice_classes: int = 1,
    ) -> None:
        super().__init__(resolution, reduction, align_corners)
        self.dice_classes = check_choice('BinaryMaskLoss.dice_classes', dice_classes, (1, 2))
        self.bce_weight = bce_weight
        self.dice_weight = dice_weight
        self.class_weights = class_weights
        self.bce_dice = BceDice()

    def compare(self, logits: Tensor, masks: Tensor) -> dict[str, Tensor]:
        """Compute the losses at the size at which logits and masks meet.

        Args:
            logits: (B, 1, h, w).
            masks: (B, 1, h, w) in [0, 1].

        Returns:
            ``loss_bce`` and ``loss_dice``, without one of weight 0.
        """
        logits, masks = logits.squeeze(1), masks.squeeze(1)
        losses = {}
        if self.bce_weight:
            losses['loss_bce'] = self.bce_weight * weighted_bce(logits, masks, self.class_weights)
        if self.dice_weight:
            losses['loss_dice'] = self.dice_weight * self._dice(logits, masks)
        return losses

    def _dice(self, logits: Tensor, masks: Tensor) -> Tensor:
        """Return the dice loss of ``logits`` (B, h, w), of the target or of both classes."""
        of_target = self.bce_dice.dice(logits, masks)
        if self.dice_classes == 1:
            return of_target
        return (of_target + self.bce_dice.dice(-logits, 1 - masks)) / 2  # 1 - sigmoid(x) = sigmoid(-x)


def weighted_bce(logits: Tensor, masks: Tensor, class_weights: tuple[float, float] | None = None) -> Tensor:
    """Compute binary cross-entropy, the mean weighted by the weights of background and foreground.

    With the difference of two class logits this is the weighted cross-entropy of the two classes.

    Args:
        logits: Of any shape.
        masks: In [0, 1], of the same shape.
        class_weights: Of background and foreground; ``None`` weighs all alike.

    Examples:
        >>> import torch
        >>> from mmvg.models.losses import weighted_bce
        >>> weighted_bce(torch.zeros(2), torch.tensor([0.0, 1.0]), class_weights=(0.9, 1.1))
        tensor(0.6931)
    """
    if class_weights is None:
        return F.binary_cross_entropy_with_logits(logits, masks)
    background, foreground = class_weights
    weights = background + (foreground - background) * masks
    return F.binary_cross_entropy_with_logits(logits, masks, weights, reduction='sum') / weights.sum()
