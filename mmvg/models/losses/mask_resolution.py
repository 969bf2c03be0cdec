"""How mask logits of some stride meet masks in input pixels: no loss resizes either of them anywhere else."""

import torch.nn.functional as F
from torch import Tensor

from mmvg.checks import check_choice

RESOLUTIONS = ('input', 'output')
REDUCTIONS = ('area', 'half', 'nearest', 'center')


def enlarge_logits(logits: Tensor, size: tuple[int, int], align_corners: bool = True) -> Tensor:
    """Enlarge mask logits by bilinear interpolation.

    Args:
        logits: (B, N, h, w) of any size; logits that already have the wanted size are returned as they are.
        size: (H, W).
        align_corners: ``True`` puts the middle of a corner cell on the middle of a corner pixel, ``False`` the outer
            edges of both maps on each other.

    Returns:
        Logits (B, N, H, W).

    Examples:
        >>> import torch
        >>> from mmvg.models.losses import enlarge_logits
        >>> enlarge_logits(torch.tensor([[[[0.0, 3.0]]]]), (1, 4))
        tensor([[[[0., 1., 2., 3.]]]])
    """
    if logits.shape[-2:] == tuple(size):
        return logits
    return F.interpolate(logits, size=tuple(size), mode='bilinear', align_corners=align_corners)


def reduce_masks(masks: Tensor, size: tuple[int, int], reduction: str) -> Tensor:
    """Reduce masks to the cells of a coarser map.

    Args:
        masks: (B, N, H, W) of 0 and 1, of any type.
        size: (h, w).
        reduction: ``'area'``: the share of a cell that is covered; ``'half'``: 1 where half of it or more is covered;
            ``'nearest'``: the pixel at the cell's upper left corner, as PyTorch's nearest neighbour has it;
            ``'center'``: 1 where all pixels next to the middle of the cell are covered.

    Returns:
        (B, N, h, w) in float32.

    Raises:
        ValueError: If ``reduction`` is none of these.

    Examples:
        >>> import torch
        >>> from mmvg.models.losses import reduce_masks
        >>> reduce_masks(torch.tensor([[[[1, 1, 0, 1]]]]), (1, 2), 'area')
        tensor([[[[1.0000, 0.5000]]]])
    """
    check_choice('reduction', reduction, REDUCTIONS)
    if reduction == 'nearest':
        return F.interpolate(masks, size=tuple(size), mode='nearest').float()
    if reduction == 'center':
        middle = F.interpolate(masks.float(), size=tuple(size), mode='bilinear', align_corners=False)
        return (middle > 0.999).float()  # weights may add up to a little less than 1
    share = F.adaptive_avg_pool2d(masks.float(), tuple(size))
    return share if reduction == 'area' else (share >= 0.5).float()


class MaskResolution:
    """Choose the resolution at which a loss compares logits with masks.

    Args:
        resolution: ``'input'``: logits are enlarged to the input; ``'output'``: masks are reduced to the cells of the
            logits, 16 times fewer pixels for logits of stride 4.
        reduction: How masks are reduced, see :func:`reduce_masks`.
        align_corners: How logits are enlarged, see :func:`enlarge_logits`.

    Raises:
        ValueError: If ``resolution`` or ``reduction`` is unknown.

    Examples:
        >>> import torch
        >>> from mmvg.models.losses import MaskResolution
        >>> logits, masks = torch.zeros(2, 1, 4, 4), torch.ones(2, 1, 16, 16)
        >>> [tuple(x.shape) for x in MaskResolution('output').match(logits, masks, (16, 16))]
        [(2, 1, 4, 4), (2, 1, 4, 4)]
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
