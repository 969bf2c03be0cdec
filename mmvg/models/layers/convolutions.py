"""Stacks of 3x3 convolutions with BatchNorm and ReLU."""

from torch import nn


def conv_bn_relu(in_channels: int, out_channels: int, kernel_size: int = 3) -> nn.Sequential:
    """Return a convolution without bias that keeps the size of the map, BatchNorm and ReLU.

    Examples:
        >>> import torch
        >>> from mmvg.models.layers import conv_bn_relu
        >>> conv_bn_relu(4, 8)(torch.randn(2, 4, 5, 5)).shape
        torch.Size([2, 8, 5, 5])
    """
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )


def double_conv(in_channels: int, out_channels: int) -> nn.Sequential:
    """Return the block of a U-Net: a 3x3 convolution, BatchNorm and ReLU, twice.

    Examples:
        >>> import torch
        >>> from mmvg.models.layers import double_conv
        >>> double_conv(4, 8)(torch.randn(2, 4, 5, 5)).shape
        torch.Size([2, 8, 5, 5])
    """
    return nn.Sequential(*conv_bn_relu(in_channels, out_channels), *conv_bn_relu(out_channels, out_channels))
