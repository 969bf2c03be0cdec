"""The contract of all losses of the one mask of an expression."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from mmvg.models.losses.mask_resolution import MaskResolution
from mmvg.models.losses.targets import GroundingTargets


class MaskLoss(nn.Module, ABC):
    """Called as ``loss(mask_logits, targets)`` by every head that answers with a mask; returns named scalars.

    A subclass writes :meth:`compare` and need not care about sizes.

    Args:
        resolution: ``'input'`` or ``'output'``; see :class:`MaskResolution`, as for the next two.
        reduction: ``'area'``, ``'half'`` or ``'nearest'``.
        align_corners: Of the enlargement of the logits.
    """

    #: Whether the loss also takes masks of queries, as :class:`MaskCriterion` does.
    reads_instances = False

    def __init__(self, resolution: str = 'input', reduction: str = 'half', align_corners: bool = True) -> None:
        super().__init__()
        self.resolution = MaskResolution(resolution, reduction, align_corners)

    def forward(self, mask_logits: Tensor, targets: GroundingTargets) -> dict[str, Tensor]:
        """Return the named losses of ``mask_logits`` (B, 1, h, w).

        Raises:
            ValueError: If the samples have no masks.
        """
        if targets.union is None:
            raise ValueError(f'{type(self).__name__} needs gt_sem_seg on every sample')
        return self.compare(*self.resolution.match(mask_logits, targets.union, targets.input_shape))

    @abstractmethod
    def compare(self, logits: Tensor, masks: Tensor) -> dict[str, Tensor]:
        """Return the named losses of ``logits`` against ``masks``, both (B, 1, h, w) in float32."""
