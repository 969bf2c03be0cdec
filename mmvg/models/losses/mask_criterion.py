"""Losses of the global mask and of one mask per query."""

import torch.nn.functional as F
from mmdet.models.losses import DiceLoss
from torch import Tensor, nn

from mmvg.models.losses.set_matcher import Matching
from mmvg.models.losses.targets import GroundingTargets
from mmvg.registry import MODELS


class BceDice(nn.Module):
    r"""Binary cross-entropy and dice loss of a stack of masks, each averaged over the masks.

    .. math:: dice = 1 - \frac{2 \sum p t + 1}{\sum p + \sum t + 1}, \quad p = \sigma(x)
    """

    def __init__(self) -> None:
        super().__init__()
        self.dice = DiceLoss(naive_dice=True, eps=1.0)

    def forward(self, logits: Tensor, targets: Tensor | None) -> tuple[Tensor, Tensor]:
        """Losses of ``logits`` (N, H, W) against ``targets`` (N, H, W) in [0, 1], N >= 1; ``None`` is all zeros."""
        if targets is None:
            return F.softplus(logits).mean(), (1 - 1 / (logits.sigmoid().flatten(1).sum(1) + 1)).mean()
        return F.binary_cross_entropy_with_logits(logits, targets), self.dice(logits, targets)


@MODELS.register_module()
class MaskCriterion(nn.Module):
    r"""Global, positive and negative mask losses (InstanceVG, arXiv:2509.13747, L_seg and Eq. 7).

    Each is BCE + dice: the global mask against the union of the targets, the masks of matched queries against their
    target's mask, and the masks of all other queries against nothing at all. Averages run over all such masks of the
    batch, which is Eq. 7's 1/N_pos and 1/N_neg. A loss with weight 0 is reported as 0 and stays in the graph.

    Args:
        global_weight: Of the global mask.
        positive_weight: Of the masks of matched queries.
        negative_weight: lambda_neg, of the masks of unmatched queries.
        resolution: ``'input'`` compares at the size of the input image, with the logits upsampled (bilinear,
            align_corners); ``'output'`` at the size of the logits, with the ground truth resized (nearest), 16 times
            fewer pixels for logits of stride 4.
    """

    def __init__(
        self,
        global_weight: float = 1.0,
        positive_weight: float = 1.0,
        negative_weight: float = 0.2,
        resolution: str = 'input',
    ) -> None:
        super().__init__()
        if resolution not in ('input', 'output'):
            raise ValueError(f"resolution must be 'input' or 'output', not {resolution!r}")
        self.global_weight = global_weight
        self.positive_weight = positive_weight
        self.negative_weight = negative_weight
        self.resolution = resolution
        self.bce_dice = BceDice()

    def forward(
        self, global_logits: Tensor, instance_logits: Tensor, matching: Matching, targets: GroundingTargets
    ) -> dict[str, Tensor]:
        """Losses of ``global_logits`` (B, 1, h, w) and ``instance_logits`` (B, Q, h, w).

        Keys are ``loss_mask_global_*``, ``loss_mask_pos_*`` and ``loss_mask_neg_*``, with ``bce`` and ``dice`` for
        ``*``. Only masks whose weight is not 0 are brought to full size.

        Raises:
            ValueError: If a weight is not 0 and the samples have no masks.
        """
        if targets.union is None and self.global_weight:
            raise ValueError('the global mask loss needs gt_sem_seg on every sample, or global_weight=0')
        if targets.masks is None and self.positive_weight:
            raise ValueError('the instance mask loss needs gt_instances.masks on every sample, or positive_weight=0')
        positive = matching.positives()
        compared = {
            'global': (global_logits[:, 0], None if targets.union is None else targets.union[:, 0]),
            'pos': (instance_logits[positive], None if targets.masks is None else targets.masks[matching.targets()]),
            'neg': (instance_logits[~positive], None),
        }
        weights = dict(zip(compared, (self.global_weight, self.positive_weight, self.negative_weight), strict=True))
        losses = {}
        for name, (logits, wanted) in compared.items():
            bce, dice = self._compare(logits.float(), wanted, weights[name], targets.input_shape)
            losses[f'loss_mask_{name}_bce'], losses[f'loss_mask_{name}_dice'] = bce, dice
        return losses

    def _compare(
        self, logits: Tensor, wanted: Tensor | None, weight: float, input_shape: tuple[int, int]
    ) -> tuple[Tensor, Tensor]:
        """Weighted BCE and dice of ``logits`` (N, h, w) and ``wanted`` (N, H, W); ``None`` stands for empty masks."""
        if not weight or len(logits) == 0:
            return 0 * logits.sum(), 0 * logits.sum()
        if self.resolution == 'input':
            logits = F.interpolate(logits[None], size=input_shape, mode='bilinear', align_corners=True)[0]
        if wanted is not None:
            if wanted.shape[1:] != logits.shape[1:]:
                wanted = F.interpolate(wanted[None], size=logits.shape[1:], mode='nearest')[0]
            wanted = wanted.to(logits.dtype)
        bce, dice = self.bce_dice(logits, wanted)
        return weight * bce, weight * dice
