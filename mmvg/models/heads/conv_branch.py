"""Predict five dense maps by a convolution."""

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.models.heads.dynamic_conv_branch import DynamicConvBranch
from mmvg.registry import MODELS


@MODELS.register_module()
class ConvBranch(BaseModule):
    """Predict five maps by a convolution: the outputs of GG-CNN and GR-ConvNet, and one for the mask.

    Kernels of 2 x 2 are those of the authors (arXiv:1804.05172, arXiv:1909.04810); the map is enlarged by a row and a
    column of zeros, below and on the right, so that its size stays.

    Args:
        in_channels: Channels C of the map that is read.
        kernel_size: Side of the kernels.
        dropout: Of the map, as GR-ConvNet has it.

    Examples:
        >>> import torch
        >>> from mmvg.models.heads import ConvBranch
        >>> ConvBranch(in_channels=8)(torch.randn(2, 8, 16, 16), None).shape
        torch.Size([2, 5, 16, 16])
    """

    num_maps = DynamicConvBranch.num_maps

    def __init__(self, in_channels: int = 32, kernel_size: int = 2, dropout: float = 0.0) -> None:
        super().__init__()
        before = (kernel_size - 1) // 2
        self.margins = (before, kernel_size - 1 - before) * 2
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Conv2d(in_channels, self.num_maps, kernel_size)
        nn.init.xavier_uniform_(self.out.weight)

    def forward(self, pixels: Tensor, sentence: Tensor | None) -> Tensor:
        """Predict the maps.

        Args:
            pixels: (B, C, H, W), which the sentence is in already.
            sentence: Not read.

        Returns:
            (B, 5, H, W): mask, quality, cos, sin, width.
        """
        return self.out(F.pad(self.dropout(pixels), self.margins))
