"""The referring-aware fusion loss of SegVLM."""

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import sigmoid_focal_loss

from mmvg.checks import check_choice
from mmvg.models.losses.mask_loss import MaskLoss
from mmvg.registry import MODELS


@MODELS.register_module()
class RAFLoss(MaskLoss):
    r"""Cross-entropy, focal loss and adaptive dice of one mask per sample (SegVLM, arXiv:2505.19242, Sec. 3.4).

    .. math:: adaptive\ dice = 1 - \frac{2 \sum a p y + \epsilon}{\sum a p + \sum a y + \epsilon}

    with sums over the pixels of one sample and then the mean over the batch (Eq. 6). The first two terms are means over
    all pixels, where Eq. 4 and 5 print sums: those would be 10^4 times as large as the third. The weight a is detached:
    a gradient through it would pull pixels of the target that are right already back down. A term with weight 0 is left
    out; cross-entropy alone is the loss of CRIS.

    The adaptive dice is no measure of quality: it can rise while the mask improves.

    Args:
        bce_weight: lambda_1.
        focal_weight: lambda_2.
        dice_weight: lambda_3.
        alpha: Of the focal loss, the weight of target pixels.
        gamma: Of the focal loss, and of ``pixel_weight='focal'``.
        pixel_weight: a of Eq. 7: ``'error'``, abs(p - y), or ``'focal'``, (1 - p)^gamma.
        eps: Keeps the adaptive dice and its gradient finite where nothing has a weight.
        resolution: See :class:`MaskLoss`, like the last two; by default masks are compared at the size of the logits,
            where a cell belongs to the target if half of it or more is covered.
        reduction: See there.
        align_corners: See there.

    Raises:
        ValueError: If ``pixel_weight`` is neither, or all terms have weight 0.
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
        check_choice('RAFLoss.pixel_weight', pixel_weight, ('error', 'focal'))
        self.weights = dict(bce=bce_weight, focal=focal_weight, dice=dice_weight)
        if not any(self.weights.values()):
            raise ValueError('RAFLoss: all three weights are 0, so there is nothing to learn from')
        self.alpha = alpha
        self.gamma = gamma
        self.pixel_weight = pixel_weight
        self.eps = eps

    def compare(self, logits: Tensor, masks: Tensor) -> dict[str, Tensor]:
        """Return the weighted ``loss_bce``, ``loss_focal`` and ``loss_dice`` of ``logits`` (B, 1, h, w), in float32."""
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
