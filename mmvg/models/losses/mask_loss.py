"""What all losses of the one mask of an expression have in common."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from mmvg.models.losses.mask_resolution import MaskResolution
from mmvg.models.losses.targets import GroundingTargets


class MaskLoss(nn.Module, ABC):
    """Compare mask logits with the union mask of the targets, whatever their sizes.

    Every head that answers with a mask calls its loss as ``loss(mask_logits, targets)`` and gets named scalars, so any
    mask loss fits into any mask head. A subclass writes :meth:`compare` and need not care about sizes.

    Args:
        resolution: ``'input'``: enlarge the logits to the input; ``'output'``: reduce the masks to the cells of the
            logits.
        reduction: How masks are reduced: ``'area'``, ``'half'`` or ``'nearest'``, see :func:`reduce_masks`.
        align_corners: How logits are enlarged, see :func:`enlarge_logits`.

    Examples:
        >>> import torch
        >>> from mmvg.models.losses import GroundingTargets, MaskLoss
        >>> class SquaredError(MaskLoss):
        ...     def compare(self, logits, masks):
        ...         return dict(loss_squared=(logits.sigmoid() - masks).square().mean())
        >>> targets = GroundingTargets.from_masks(torch.ones(1, 16, 16), counts=[1])
        >>> SquaredError(resolution='output')(torch.zeros(1, 1, 4, 4), targets)
        {'loss_squared': tensor(0.2500)}
    """

    #: Whether the loss also takes masks of queries, as :class:`MaskCriterion` does.
    reads_instances = False

    def __init__(self, resolution: str = 'input', reduction: str = 'half', align_corners: bool = True) -> None:
        super().__init__()
        self.resolution = MaskResolution(resolution, reduction, align_corners)

    def forward(self, mask_logits: Tensor, targets: GroundingTargets) -> dict[str, Tensor]:
        """Compute the named losses.

        Args:
            mask_logits: (B, 1, h, w).
            targets: Targets of the batch, with the union mask.

        Raises:
            ValueError: If a sample has no mask.
        """
        union = targets.all_masks(type(self).__name__)
        return self.compare(*self.resolution.match(mask_logits, union, targets.input_shape))

    @abstractmethod
    def compare(self, logits: Tensor, masks: Tensor) -> dict[str, Tensor]:
        """Return the named losses of ``logits`` against ``masks``, both (B, 1, h, w) in float32."""
