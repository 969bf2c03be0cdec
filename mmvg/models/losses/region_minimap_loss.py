"""Loss of the weights that regions are added up with."""

from torch import Tensor, nn

from mmvg.checks import check_choice
from mmvg.models.layers.region_grid import grid_side
from mmvg.models.losses.binary_mask_loss import weighted_bce
from mmvg.models.losses.mask_resolution import REDUCTIONS, reduce_masks
from mmvg.models.losses.targets import GroundingTargets
from mmvg.registry import MODELS


@MODELS.register_module()
class RegionMinimapLoss(nn.Module):
    """Compare the weights of P x P regions with a union mask of P x P cells by cross-entropy (ReLA, arXiv:2306.00968).

    The paper calls the weights a minimap. So region (i, j) is taught to stand for the cell (i, j) of the image.

    Args:
        loss_weight: Weight of the loss.
        class_weights: Weights of cells outside and inside; the mean is weighted by them.
        target: What a cell should be, see :func:`reduce_masks`; ``'center'`` is what the authors' code computes.

    Examples:
        >>> import torch
        >>> from mmvg.models.losses import GroundingTargets, RegionMinimapLoss
        >>> targets = GroundingTargets.from_masks(torch.ones(1, 16, 16), counts=[1])
        >>> RegionMinimapLoss(loss_weight=1.0)(torch.zeros(1, 16), targets)
        {'loss_minimap': tensor(0.6931)}
    """

    def __init__(
        self, loss_weight: float = 0.1, class_weights: tuple[float, float] = (0.9, 1.1), target: str = 'center'
    ) -> None:
        super().__init__()
        check_choice('RegionMinimapLoss.target', target, REDUCTIONS)
        self.loss_weight = loss_weight
        self.class_weights = class_weights
        self.target = target

    def forward(self, minimap_logits: Tensor, targets: GroundingTargets) -> dict[str, Tensor]:
        """Return ``loss_minimap`` of ``minimap_logits`` (B, P*P), row-major over a square grid.

        Raises:
            ValueError: If a sample has no mask.
        """
        side = grid_side(minimap_logits.shape[1])
        cells = reduce_masks(targets.all_masks(type(self).__name__), (side, side), self.target)
        loss = weighted_bce(minimap_logits.float(), cells.flatten(1), self.class_weights)
        return dict(loss_minimap=self.loss_weight * loss)
