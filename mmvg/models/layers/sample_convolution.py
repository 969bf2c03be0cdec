"""Convolve each sample of a batch with kernels of its own."""

import torch.nn.functional as F
from torch import Tensor
from torch.compiler import is_exporting


def sample_convolution(x: Tensor, kernels: Tensor, biases: Tensor) -> Tensor:
    """Convolve the G groups of channels of each sample with kernels of its own; the size stays.

    The batch is one grouped convolution with a group for each sample and group. An exported graph has no groups for a
    batch that is left free: there the kernels mix the channels first, and the results are shifted and added.

    Args:
        x: (B, G * C, h, w).
        kernels: (B, G, C, k, k), k odd.
        biases: (B, G).

    Returns:
        (B, G, h, w).

    Examples:
        >>> import torch
        >>> from mmvg.models.layers import sample_convolution
        >>> sample_convolution(torch.randn(2, 12, 8, 8), torch.randn(2, 3, 4, 3, 3), torch.randn(2, 3)).shape
        torch.Size([2, 3, 8, 8])
    """
    if is_exporting():
        return shifted_products(x, kernels) + biases[..., None, None]
    padding = kernels.shape[-1] // 2
    out = F.conv2d(
        x.flatten(0, 1)[None], kernels.flatten(0, 1), biases.flatten(), padding=padding, groups=biases.numel()
    )
    return out.unflatten(1, biases.shape)[0]


def shifted_products(x: Tensor, kernels: Tensor) -> Tensor:
    """Compute :func:`sample_convolution` without biases by one matrix product; arguments as there."""
    groups, side = kernels.shape[1], kernels.shape[-1]
    height, width = x.shape[-2:]
    cells = x.unflatten(1, (groups, -1)).flatten(3)  # (B, G, C, h*w)
    mixed = (kernels.flatten(3).transpose(2, 3) @ cells).unflatten(3, (height, width))  # (B, G, k*k, h, w)
    mixed = F.pad(mixed, (side // 2,) * 4)
    return sum(
        mixed[:, :, row * side + column, row : row + height, column : column + width]
        for row in range(side)
        for column in range(side)
    )
