"""How mask logits of some stride meet masks in input pixels: the one place where either is resized for a loss."""

import torch.nn.functional as F
from torch import Tensor

from mmvg.checks import check_choice

RESOLUTIONS = ('input', 'output')
REDUCTIONS = ('area', 'half', 'nearest')


def enlarge_logits(logits: Tensor, size: tuple[int, int], align_corners: bool = True) -> Tensor:
    """Bring mask logits (B, N, h, w) to (B, N, H, W) by bilinear interpolation.

    Args:
        logits: Of any size; logits that already have the wanted one come back as they are.
        size: (H, W).
        align_corners: Whether the middle of a corner cell falls on that of a corner pixel (``True``), or the outer
            edges of both maps coincide (``False``).
    """
    if logits.shape[-2:] == tuple(size):
        return logits
    return F.interpolate(logits, size=tuple(size), mode='bilinear', align_corners=align_corners)


def reduce_masks(masks: Tensor, size: tuple[int, int], reduction: str) -> Tensor:
    """Bring masks (B, N, H, W) of 0 and 1 to the cells (B, N, h, w) of a coarser map, as float32.

    Args:
        masks: Of any type.
        size: (h, w).
        reduction: ``'area'``: the share of a cell that is covered; ``'half'``: 1 where half of it or more is;
            ``'nearest'``: the pixel at the cell's upper left corner, as PyTorch's nearest neighbour has it.

    Raises:
        ValueError: If ``reduction`` is none of these.
    """
    check_choice('reduction', reduction, REDUCTIONS)
    if reduction == 'nearest':
        return F.interpolate(masks, size=tuple(size), mode='nearest').float()
    share = F.adaptive_avg_pool2d(masks.float(), tuple(size))
    return share if reduction == 'area' else (share >= 0.5).float()


class MaskResolution:
    """The resolution at which a loss compares logits with masks.

    Args:
        resolution: ``'input'``: logits are enlarged to the input; ``'output'``: masks are reduced to the cells of the
            logits, 16 times fewer pixels for logits of stride 4.
        reduction: How masks are reduced; see :func:`reduce_masks`.
        align_corners: How logits are enlarged; see :func:`enlarge_logits`.

    Raises:
        ValueError: If ``resolution`` or ``reduction`` is unknown.
    """

    def __init__(self, resolution: str = 'input', reduction: str = 'half', align_corners: bool = True) -> None:
        check_choice('MaskResolution.resolution', resolution, RESOLUTIONS)
        check_choice('MaskResolution.reduction', reduction, REDUCTIONS)
        self.resolution = resolution
        self.reduction = reduction
        self.align_corners = align_corners

    def match(self, logits: Tensor, masks: Tensor | None, input_shape: tuple[int, int]) -> tuple[Tensor, Tensor | None]:
        """Bring logits and masks to one size.

        Args:
            logits: (B, N, h, w).
            masks: (B, N, H, W) of 0 and 1, or ``None``, which is returned as it is.
            input_shape: (H, W).

        Returns:
            Both in float32, (B, N, H, W) at resolution ``'input'`` and (B, N, h, w) at ``'output'``.
        """
        logits = logits.float()
        if self.resolution == 'input':
            logits = enlarge_logits(logits, input_shape, self.align_corners)
        if masks is not None:
            same = masks.shape[-2:] == logits.shape[-2:]
            masks = masks.float() if same else reduce_masks(masks, logits.shape[-2:], self.reduction)
        return logits, masks
