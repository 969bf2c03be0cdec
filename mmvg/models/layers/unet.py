"""A U-Net from a few maps to as many."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvg.models.layers.convolutions import double_conv


class UNet(nn.Module):
    """Run a U-Net (arXiv:1505.04597) with padded convolutions, BatchNorm and bilinear enlargement.

    The last 1x1 convolution starts at zero, so that a residual made by the net starts at zero.

    Args:
        channels: Channels C of the input and of the output.
        widths: Channels of the encoder blocks, finest first; max-pooling halves the map between two of them.

    Examples:
        >>> import torch
        >>> from mmvg.models.layers import UNet
        >>> UNet(channels=2, widths=(4, 8))(torch.randn(1, 2, 8, 8)).shape
        torch.Size([1, 2, 8, 8])
    """

    def __init__(self, channels: int, widths: tuple[int, ...] = (64, 128, 256, 512)) -> None:
        super().__init__()
        self.encoder = nn.ModuleList(double_conv(a, b) for a, b in zip((channels, *widths), widths, strict=False))
        self.decoder = nn.ModuleList(
            double_conv(deep + skip, skip) for deep, skip in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.out = nn.Conv2d(widths[0], channels, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Turn ``x`` (B, C, H, W), of any size that can be halved as often as there are pools, into (B, C, H, W)."""
        skips = []
        for i, block in enumerate(self.encoder):
            x = block(F.max_pool2d(x, 2) if i else x)
            skips.append(x)
        skips.pop()
        for block in self.decoder:
            skip = skips.pop()
            x = F.interpolate(x, size=skip.shape[-2:], mode='bilinear', align_corners=False)
            x = block(torch.cat([x, skip], dim=1))
        return self.out(x)
