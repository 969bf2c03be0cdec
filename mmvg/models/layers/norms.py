"""Normalisation layers."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class LN2d(nn.Module):
    """Normalise over the channels of each pixel of a map (B, C, h, w), with statistics in float32.

    Args:
        num_channels: Channels C.
        eps: Added to the (biased) variance.

    Examples:
        >>> import torch
        >>> from mmvg.models.layers import LN2d
        >>> LN2d(8)(torch.randn(2, 8, 4, 4)).shape
        torch.Size([2, 8, 4, 4])
    """

    def __init__(self, num_channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.num_channels = num_channels
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(num_channels))
        self.bias = nn.Parameter(torch.zeros(num_channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``x`` (B, C, h, w); the result has the type of ``x``."""
        with torch.autocast(x.device.type, enabled=False):
            channels_last = x.permute(0, 2, 3, 1).float()
            y = F.layer_norm(channels_last, (self.num_channels,), self.weight.float(), self.bias.float(), self.eps)
        return y.permute(0, 3, 1, 2).to(x.dtype)
