"""Cross-entropy, focal loss and adaptive dice: the referring-aware fusion (RAF) loss of SegVLM."""

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import sigmoid_focal_loss

from mmvg.checks import check_choice
from mmvg.models.losses.mask_loss import MaskLoss
from mmvg.registry import MODELS


@MODELS.register_module()
class AdaptiveDiceMaskLoss(MaskLoss):
    r"""Compare mask logits by cross-entropy, focal loss and adaptive dice: RAF of SegVLM (arXiv:2505.19242, Sec. 3.4).

    .. math:: adaptive\ dice = 1 - \frac{2 \sum a p y + \epsilon}{\sum a p + \sum a y + \epsilon}

    The sums run over the pixels of one sample; the mean over the batch follows (Eq. 6). The first two terms are means
    over all pixels, where Eq. 4 and 5 print sums: those would be 10^4 times as large as the third. The weight a is
    detached: a gradient through it would pull pixels of the target that are already right back down. A term with weight
    0 is left out; cross-entropy alone is the loss of CRIS.

    The adaptive dice does not measure quality: it can rise while the mask improves.

    Args:
        bce_weight: lambda_1, the weight of the cross-entropy.
        focal_weight: lambda_2, the weight of the focal loss.
        dice_weight: lambda_3, the weight of the adaptive dice.
        alpha: Weight of target pixels in the focal loss.
        gamma: Exponent of the focal loss, and of ``pixel_weight='focal'``.
        pixel_weight: a of Eq. 7: ``'error'``, abs(p - y), or ``'focal'``, (1 - p)^gamma.
        eps: Keeps the adaptive dice and its gradient finite where nothing has a weight.
        resolution: See :class:`MaskLoss`. By default masks are compared at the size of the logits, where a cell belongs
            to the target if half of it or more is covered.
        reduction: See :class:`MaskLoss`.
        align_corners: See :class:`MaskLoss`.

    Raises:
        ValueError: If ``pixel_weight`` is unknown, or all terms have weight 0.

    Examples:
        >>> import torch
        >>> from mmvg.models.losses import GroundingTargets, AdaptiveDiceMaskLoss
        >>> targets = GroundingTargets.from_masks(torch.ones(1, 16, 16), counts=[1])
        >>> list(AdaptiveDiceMaskLoss(focal_weight=0)(torch.zeros(1, 1, 4, 4), targets))
        ['loss_bce', 'loss_dice']
    """

    def __init__(
        self,
        bce_weight: float = 1.0,
        focal_weight: float = 1.0,
        dice_weight: float = 1.0,
        alpha: float = 0.25,
        gamma: float = 2.0,
        pixel_weight: str = 'error',
        eps: float = 1.0,
        resolution: str = 'output',
        reduction: str = 'half',
        align_corners: bool = True,
    ) -> None:
        super().__init__(resolution, reduction, align_corners)
        check_choice('AdaptiveDiceMaskLoss.pixel_weight', pixel_weight, ('error', 'focal'))
        self.weights = dict(bce=bce_weight, focal=focal_weight, dice=dice_weight)
        if not any(self.weights.values()):
            raise ValueError('AdaptiveDiceMaskLoss: all three weights are 0, so there is nothing to learn from')
        self.alpha = alpha
        self.gamma = gamma
        self.pixel_weight = pixel_weight
        self.eps = eps

    def compare(self, logits: Tensor, masks: Tensor) -> dict[str, Tensor]:
        """Compute the weighted losses in float32.

        Args:
            logits: (B, 1, h, w).
            masks: (B, 1, h, w), 0 or 1.

        Returns:
            ``loss_bce``, ``loss_focal`` and ``loss_dice``, without those of weight 0.
        """
        with torch.autocast(logits.device.type, enabled=False):
            terms = dict(
                bce=lambda: F.binary_cross_entropy_with_logits(logits, masks),
                focal=lambda: sigmoid_focal_loss(logits, masks, self.alpha, self.gamma, reduction='mean'),
                dice=lambda: self._adaptive_dice(logits, masks),
            )
            return {f'loss_{name}': weight * terms[name]() for name, weight in self.weights.items() if weight}

    def _adaptive_dice(self, logits: Tensor, masks: Tensor) -> Tensor:
        p, y = logits.sigmoid().flatten(1), masks.flatten(1)
        a = ((p - y).abs() if self.pixel_weight == 'error' else (1 - p) ** self.gamma).detach()
        overlap = 2 * (a * p * y).sum(1) + self.eps
        return (1 - overlap / ((a * p).sum(1) + (a * y).sum(1) + self.eps)).mean()
