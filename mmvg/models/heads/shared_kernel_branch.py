"""Predict five dense maps with one kernel that is made of the sentence."""

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.models.heads.dynamic_conv_branch import DynamicConvBranch
from mmvg.models.heads.dynamic_mask_head import VisualProjector
from mmvg.models.layers.sample_convolution import sample_convolution
from mmvg.registry import MODELS


@MODELS.register_module()
class SharedKernelBranch(BaseModule):
    """Predict five maps by a projector and one kernel of the sentence: the head of CROG (arXiv:2311.05779, code).

    The projector of CRIS gets five times as many channels at its end. One linear layer makes one kernel and one bias of
    the sentence, and all five maps are convolved with it.

    Args:
        in_channels: Channels C of the map that is read.
        channels: C', per output map.
        sentence_channels: Channels S of the sentence.
        kernel_size: Side of the kernel.

    Examples:
        >>> import torch
        >>> from mmvg.models.heads import SharedKernelBranch
        >>> branch = SharedKernelBranch(in_channels=8, channels=4, sentence_channels=6)
        >>> branch(torch.randn(2, 8, 5, 5), torch.randn(2, 6)).shape
        torch.Size([2, 5, 20, 20])
    """

    num_maps = DynamicConvBranch.num_maps

    def __init__(
        self, in_channels: int = 512, channels: int = 256, sentence_channels: int = 1024, kernel_size: int = 3
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.projector = VisualProjector(in_channels, channels, num_maps=self.num_maps)
        self.kernel = nn.Linear(sentence_channels, channels * kernel_size**2 + 1)

    def forward(self, pixels: Tensor, sentence: Tensor) -> Tensor:
        """Predict the maps.

        Args:
            pixels: (B, C, h, w).
            sentence: (B, S).

        Returns:
            (B, 5, 4h, 4w): mask, quality, cos, sin, width.
        """
        kernel, bias = self.kernel(sentence).tensor_split([-1], dim=1)
        kernel = kernel.unflatten(1, (1, -1, self.kernel_size, self.kernel_size))
        kernels = kernel.expand(-1, self.num_maps, -1, -1, -1)
        return sample_convolution(self.projector(pixels), kernels, bias.expand(-1, self.num_maps))
