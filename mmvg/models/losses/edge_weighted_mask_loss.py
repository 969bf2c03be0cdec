"""Mask loss that looks harder at outlines."""

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
    r"""Focal loss and edge-weighted dice of the union mask: L_p^seg of RaAM-RVG (ICCV 2025, eq. 12).

    .. math::
        E &= dilate(M) - erode(M), \quad W = \beta E + (1 - E) \\
        dice &= 1 - \frac{2 \sum W p M + 1}{\sum W p + \sum W M + 1}, \quad p = \sigma(x)

    The paper multiplies the map W with the dice loss, which is one number; weights inside the sums are what can be
    meant. W does not enter the focal loss (alpha 0.25, gamma 2, mean over pixels).

    Args:
        loss_weight: lambda_3 and lambda_5, which the paper does not tell.
        focal_weight: Of the focal loss against the dice loss.
        edge_weight: beta; 1 turns the weighting off.
        resolution: See :class:`MaskLoss`, like the last two.
        reduction: See there.
        align_corners: See there.
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
        """Return ``loss_mask_focal`` and ``loss_mask_dice`` of ``logits`` (B, 1, h, w)."""
        focal = sigmoid_focal_loss(logits, masks, alpha=0.25, gamma=2.0, reduction='mean')
        dice = weighted_dice(logits.sigmoid(), masks, edge_weights(masks, self.edge_weight)).mean()
        weight = self.loss_weight
        return dict(loss_mask_focal=weight * self.focal_weight * focal, loss_mask_dice=weight * dice)


def edge_weights(masks: Tensor, edge_weight: float) -> Tensor:
    """``edge_weight`` in the band of up to two pixels on either side of an outline, else 1; for masks (B, 1, H, W).

    The border of the image is no outline: what lies beyond it neither dilates nor erodes.
    """
    dilated = F.max_pool2d(masks, _KERNEL, stride=1, padding=_KERNEL // 2)
    eroded = -F.max_pool2d(-masks, _KERNEL, stride=1, padding=_KERNEL // 2)
    return torch.lerp(torch.ones_like(masks), torch.full_like(masks, edge_weight), dilated - eroded)


def weighted_dice(probabilities: Tensor, masks: Tensor, weights: Tensor) -> Tensor:
    """Dice loss (B,) of maps (B, ...), each pixel counting ``weights`` times; 1 is added above and below."""
    p, y, w = probabilities.flatten(1), masks.flatten(1), weights.flatten(1)
    return 1 - (2 * (w * p * y).sum(1) + 1) / ((w * p).sum(1) + (w * y).sum(1) + 1)
