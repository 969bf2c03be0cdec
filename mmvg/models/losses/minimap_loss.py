"""Supervise an attention map with the union mask of the targets."""

import torch
from torch import Tensor, nn

from mmvg.checks import check_choice
from mmvg.models.losses.mask_criterion import BceDice
from mmvg.models.losses.mask_resolution import REDUCTIONS, reduce_masks
from mmvg.models.losses.targets import GroundingTargets
from mmvg.registry import MODELS


@MODELS.register_module()
class MinimapLoss(nn.Module):
    """Compare an attention map with the union mask by BCE and dice, at the cells of the map.

    InstanceVG (arXiv:2509.13747, Fig. 3) names this loss on its attention map M_s and does not define it.

    Args:
        loss_weight: Weight of both terms.
        attention_input: What a cell's value a stands for: ``'prob_as_logit'``, a logit, so that the compared
            probability is sigmoid(a), between 0.5 and 0.73 (the authors' code); ``'prob'``, the probability itself.
        target: What a cell should be (:func:`reduce_masks`): ``'area'``, the share of it that is covered; ``'half'``;
            or ``'nearest'``, the pixel at its upper left corner (the authors' code), from which attention learns to
            look half a cell to the right and below.

    Examples:
        >>> import torch
        >>> from mmvg.models.losses import GroundingTargets, MinimapLoss
        >>> targets = GroundingTargets.from_masks(torch.ones(1, 16, 16), counts=[1])
        >>> list(MinimapLoss()(torch.full((1, 4, 4), 1 / 16), targets))
        ['loss_minimap_bce', 'loss_minimap_dice']
    """

    def __init__(self, loss_weight: float = 0.1, attention_input: str = 'prob_as_logit', target: str = 'area') -> None:
        super().__init__()
        check_choice('MinimapLoss.attention_input', attention_input, ('prob_as_logit', 'prob'))
        check_choice('MinimapLoss.target', target, REDUCTIONS)
        self.loss_weight = loss_weight
        self.attention_input = attention_input
        self.target = target
        self.bce_dice = BceDice()

    def forward(self, attention: Tensor, targets: GroundingTargets) -> dict[str, Tensor]:
        """Compute the losses.

        Args:
            attention: Probabilities (B, h, w).
            targets: Targets of the batch.

        Returns:
            ``loss_minimap_bce`` and ``loss_minimap_dice``, of the images that have masks; 0 if none has.

        Raises:
            ValueError: If the samples have no union mask.
        """
        if targets.union is None:
            raise ValueError('the minimap loss needs gt_sem_seg on every sample; without masks, set minimap_loss=None')
        logits, union = targets.known(attention.float(), targets.union)
        if not len(logits):
            return dict(loss_minimap_bce=0 * logits.sum(), loss_minimap_dice=0 * logits.sum())
        if self.attention_input == 'prob':
            logits = torch.logit(logits, eps=1e-6)  # attention dropout can lift a weight above 1
        wanted = reduce_masks(union, attention.shape[1:], self.target)[:, 0]
        bce, dice = self.bce_dice(logits, wanted)
        return dict(loss_minimap_bce=self.loss_weight * bce, loss_minimap_dice=self.loss_weight * dice)
