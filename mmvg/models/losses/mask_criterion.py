"""Losses of the global mask and of one mask per query."""

import torch
import torch.nn.functional as F
from mmdet.models.losses import DiceLoss
from torch import Tensor, nn

from mmvg.models.layers import send
from mmvg.models.losses.mask_resolution import MaskResolution
from mmvg.models.losses.set_matcher import Matching
from mmvg.models.losses.targets import GroundingTargets
from mmvg.registry import MODELS


class BceDice(nn.Module):
    r"""Compute binary cross-entropy and dice loss of a stack of masks, each averaged over the masks.

    .. math:: dice = 1 - \frac{2 \sum p t + 1}{\sum p + \sum t + 1}, \quad p = \sigma(x)

    Examples:
        >>> import torch
        >>> from mmvg.models.losses import BceDice
        >>> bce, dice = BceDice()(torch.zeros(3, 4, 4), torch.ones(3, 4, 4))
        >>> bce, dice  # log 2, and 1 - 17/25
        (tensor(0.6931), tensor(0.3200))
    """

    def __init__(self) -> None:
        super().__init__()
        self.dice = DiceLoss(naive_dice=True, eps=1.0)

    def forward(self, logits: Tensor, targets: Tensor | None) -> tuple[Tensor, Tensor]:
        """Compute both losses.

        Args:
            logits: (N, H, W), N >= 1.
            targets: (N, H, W) in [0, 1]; ``None`` stands for zeros everywhere.

        Returns:
            Cross-entropy and dice loss, two scalars.
        """
        if targets is None:
            return F.softplus(logits).mean(), (1 - 1 / (logits.sigmoid().flatten(1).sum(1) + 1)).mean()
        return F.binary_cross_entropy_with_logits(logits, targets), self.dice(logits, targets)


@MODELS.register_module()
class MaskCriterion(nn.Module):
    """Compare the global mask and the masks of queries with the targets (InstanceVG, arXiv:2509.13747, Eq. 7).

    Three pairs of BCE and dice are computed: the global mask against the union of the targets, the masks of matched
    queries against their target's mask, and the masks of all other queries against empty masks. Averages run over all
    such masks of the batch, which is Eq. 7's 1/N_pos and 1/N_neg. A loss with weight 0 is reported as 0 and stays in
    the graph.

    Like every :class:`MaskLoss` it can be called with one mask per expression and the targets; then only the global
    losses are computed. With masks of queries, images whose data has boxes only take no part: the queries' boxes learn
    from them. One mask alone would learn nothing, and raises.

    Args:
        global_weight: Weight of the global mask.
        positive_weight: Weight of the masks of matched queries.
        negative_weight: lambda_neg, the weight of the masks of unmatched queries.
        resolution: See :class:`MaskResolution`.
        reduction: See :class:`MaskResolution`.
        align_corners: See :class:`MaskResolution`.

    Examples:
        >>> import torch
        >>> from mmvg.models.losses import GroundingTargets, MaskCriterion, Matching
        >>> targets = GroundingTargets.from_masks(torch.ones(1, 16, 16), counts=[1])
        >>> criterion = MaskCriterion()
        >>> list(criterion(torch.zeros(1, 1, 4, 4), targets))
        ['loss_mask_global_bce', 'loss_mask_global_dice']
        >>> matching = Matching(torch.tensor([[[0, -1]]]))  # D = 1 layer, B = 1 image, Q = 2 queries
        >>> len(criterion(torch.zeros(1, 1, 4, 4), targets, torch.zeros(1, 2, 4, 4), matching))
        6
    """

    #: Heads that have masks of queries hand them over; other mask losses get the one mask of the expression.
    reads_instances = True

    def __init__(
        self,
        global_weight: float = 1.0,
        positive_weight: float = 1.0,
        negative_weight: float = 0.2,
        resolution: str = 'input',
        reduction: str = 'half',
        align_corners: bool = True,
    ) -> None:
        super().__init__()
        self.resolution = MaskResolution(resolution, reduction, align_corners)
        self.global_weight = global_weight
        self.positive_weight = positive_weight
        self.negative_weight = negative_weight
        self.bce_dice = BceDice()

    def forward(
        self,
        mask_logits: Tensor,
        targets: GroundingTargets,
        instance_logits: Tensor | None = None,
        matching: Matching | None = None,
    ) -> dict[str, Tensor]:
        """Compute the losses of the global mask and, if there are any, of the masks of queries.

        Args:
            mask_logits: (B, 1, h, w).
            targets: Targets of the batch.
            instance_logits: (B, Q, h, w).
            matching: Which of the Q queries answers for which target; needed with ``instance_logits``.

        Returns:
            ``loss_mask_global_*``, ``loss_mask_pos_*`` and ``loss_mask_neg_*``, with ``bce`` and ``dice`` for ``*``.
                Only
            masks whose weight is not 0 are brought to full size.

        Raises:
            ValueError: If a weight is not 0 and the samples have no masks.
        """
        if instance_logits is None and self.global_weight:
            targets.all_masks(type(self).__name__)
        if targets.union is None and self.global_weight:
            raise ValueError('the global mask loss needs gt_sem_seg on every sample, or global_weight=0')
        (logits,) = targets.known(mask_logits[:, 0])
        union = None if targets.union is None else targets.known(targets.union[:, 0])[0]
        compared = {'global': (self.global_weight, logits, union)}
        if instance_logits is not None:
            if targets.masks is None and self.positive_weight:
                raise ValueError(
                    'the instance mask loss needs gt_instances.masks on every sample, or positive_weight=0'
                )
            logits, assigned = instance_logits.flatten(0, 1), matching.assigned[-1].flatten()
            known = _of_known_images(targets, len(assigned))
            found, empty = ((known & of_kind).nonzero()[:, 0] for of_kind in (assigned >= 0, assigned < 0))
            masks = None if targets.masks is None else targets.masks[send(assigned[found], logits.device)]
            compared['pos'] = (self.positive_weight, logits[send(found, logits.device)], masks)
            compared['neg'] = (self.negative_weight, logits[send(empty, logits.device)], None)
        losses = {}
        for name, (weight, logits, masks) in compared.items():
            bce, dice = self._compare(logits.float(), masks, weight, targets.input_shape)
            losses[f'loss_mask_{name}_bce'], losses[f'loss_mask_{name}_dice'] = bce, dice
        return losses

    def _compare(
        self, logits: Tensor, masks: Tensor | None, weight: float, input_shape: tuple[int, int]
    ) -> tuple[Tensor, Tensor]:
        """Compute weighted BCE and dice.

        Args:
            logits: (N, h, w).
            masks: (N, H, W); ``None`` stands for empty masks.
            weight: Weight of both losses.
            input_shape: (H, W).
        """
        if not weight or len(logits) == 0:
            return 0 * logits.sum(), 0 * logits.sum()
        logits, masks = self.resolution.match(logits[None], None if masks is None else masks[None], input_shape)
        bce, dice = self.bce_dice(logits[0], None if masks is None else masks[0])
        return weight * bce, weight * dice


def _of_known_images(targets: GroundingTargets, num_queries: int) -> Tensor:
    """Tell on the host which of all queries of a batch (B * Q,) belong to an image that has masks."""
    known = torch.tensor(targets.mask_known or [True] * len(targets.counts))
    return known.repeat_interleave(num_queries // len(known))
