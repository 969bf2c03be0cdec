"""A mask loss that gives more weight to outlines."""

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import sigmoid_focal_loss

from mmvg.models.losses.mask_loss import MaskLoss
from mmvg.registry import MODELS

#: Side of the square with which masks are dilated and eroded, in pixels; the paper does not tell.
_KERNEL = 5


@MODELS.register_module()
class EdgeWeightedMaskLoss(MaskLoss):
    r"""Compare mask logits with the union mask by focal loss and edge-weighted dice (RaAM-RVG, ICCV 2025, eq. 12).

    The paper calls the loss L_p^seg.


    .. math::
        E &= dilate(M) - erode(M), \quad W = \beta E + (1 - E) \\
        dice &= 1 - \frac{2 \sum W p M + 1}{\sum W p + \sum W M + 1}, \quad p = \sigma(x)

    The paper multiplies the map W with the dice loss, which is one number; weights inside the sums are what can be
    meant. W does not enter the focal loss (alpha 0.25, gamma 2, mean over pixels).

    Args:
        loss_weight: lambda_3 and lambda_5, the weight of the sum; the paper does not give it.
        focal_weight: Weight of the focal loss relative to the dice loss.
        edge_weight: beta; 1 turns the edge weighting off.
        resolution: See :class:`MaskLoss`.
        reduction: See :class:`MaskLoss`.
        align_corners: See :class:`MaskLoss`.

    Examples:
        >>> import torch
        >>> from mmvg.models.losses import EdgeWeightedMaskLoss, GroundingTargets
        >>> targets = GroundingTargets.from_masks(torch.ones(1, 16, 16), counts=[1])
        >>> list(EdgeWeightedMaskLoss()(torch.zeros(1, 1, 16, 16), targets))
        ['loss_mask_focal', 'loss_mask_dice']
    """

    def __init__(
        self,
        loss_weight: float = 1.0,
        focal_weight: float = 1.0,
        edge_weight: float = 1.2,
        resolution: str = 'input',
        reduction: str = 'half',
        align_corners: bool = True,
    ) -> None:
        super().__init__(resolution, reduction, align_corners)
        self.loss_weight = loss_weight
        self.focal_weight = focal_weight
        self.edge_weight = edge_weight

    def compare(self, logits: Tensor, masks: Tensor) -> dict[str, Tensor]:
        """Compute the losses at the size at which logits and masks meet.

        Args:
            logits: (B, 1, h, w).
            masks: (B, 1, h, w) in [0, 1].

        Returns:
            ``loss_mask_focal`` and ``loss_mask_dice``.
        """
        focal = sigmoid_focal_loss(logits, masks, alpha=0.25, gamma=2.0, reduction='mean')
        dice = weighted_dice(logits.sigmoid(), masks, edge_weights(masks, self.edge_weight)).mean()
        weight = self.loss_weight
        return dict(loss_mask_focal=weight * self.focal_weight * focal, loss_mask_dice=weight * dice)


def edge_weights(masks: Tensor, edge_weight: float) -> Tensor:
    """Weigh the pixels near an outline.

    The border of the image is no outline: what lies beyond it neither dilates nor erodes.

    Args:
        masks: (B, 1, h, w) in [0, 1].
        edge_weight: Weight of a pixel that lies up to two pixels from an outline, on either side of it.

    Returns:
        Weights (B, 1, h, w), 1 everywhere else.
    """
    dilated = F.max_pool2d(masks, _KERNEL, stride=1, padding=_KERNEL // 2)
    eroded = -F.max_pool2d(-masks, _KERNEL, stride=1, padding=_KERNEL // 2)
    return torch.lerp(torch.ones_like(masks), torch.full_like(masks, edge_weight), dilated - eroded)


def weighted_dice(probabilities: Tensor, masks: Tensor, weights: Tensor) -> Tensor:
    """Compute the dice loss with weighted pixels, adding 1 to numerator and denominator.

    Args:
        probabilities: (B, ...).
        masks: (B, ...) in [0, 1].
        weights: (B, ...); each pixel counts that many times.

    Returns:
        One loss per sample (B,).
    """
    p, y, w = probabilities.flatten(1), masks.flatten(1), weights.flatten(1)
    return 1 - (2 * (w * p * y).sum(1) + 1) / ((w * p).sum(1) + (w * y).sum(1) + 1)
