"""Predict five dense maps with kernels that depend on the sentence."""

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.models.layers.sample_convolution import sample_convolution
from mmvg.registry import MODELS

#: Maps in the order of Eq. 22, and where they stand in ours: mask, quality, cos, sin, width.
_FROM_PAPER_ORDER = (0, 1, 3, 2, 4)


@MODELS.register_module()
class DynamicConvBranch(BaseModule):
    """Predict five maps by convolutions with kernels that depend on the sentence (LGGD, arXiv:2512.21065, Eq. 21-28).

    The paper calls it language-guided dynamic convolution head (LDCH). A 1x1 convolution makes C channels for each of
    the five maps. Each map has a bank of K kernels and biases (dynamic convolution, arXiv:1912.03458); the sentence
    says how to mix them, with the same weights for all maps. All kernels of a batch are applied by one grouped
    convolution.

    Args:
        in_channels: Channels C' of the map that is read.
        channels: C, per output map.
        sentence_channels: Channels S of the sentence.
        num_kernels: K.
        hidden_channels: Hidden channels of the MLP that weighs the kernels.
        dynamic: ``False`` has one 3x3 kernel per map, whatever the sentence says (Table VI without LDCH).

    Examples:
        >>> import torch
        >>> from mmvg.models.heads import DynamicConvBranch
        >>> branch = DynamicConvBranch(in_channels=8, channels=4, sentence_channels=6)
        >>> branch(torch.randn(2, 8, 16, 16), torch.randn(2, 6)).shape
        torch.Size([2, 5, 16, 16])
    """

    num_maps = 5

    def __init__(
        self,
        in_channels: int = 256,
        channels: int = 128,
        sentence_channels: int = 1024,
        num_kernels: int = 4,
        hidden_channels: int = 256,
        dynamic: bool = True,
    ) -> None:
        super().__init__()
        self.expand = nn.Conv2d(in_channels, self.num_maps * channels, 1)
        self.dynamic = dynamic
        if dynamic:
            bound = (9 * channels) ** -0.5  # as PyTorch starts a convolution
            self.kernels = nn.Parameter(torch.empty(num_kernels, self.num_maps, channels, 3, 3).uniform_(-bound, bound))
            self.biases = nn.Parameter(torch.empty(num_kernels, self.num_maps).uniform_(-bound, bound))
            self.mixer = nn.Sequential(
                nn.Linear(sentence_channels, hidden_channels),
                nn.LeakyReLU(0.01),
                nn.Linear(hidden_channels, num_kernels),
            )
        else:
            self.heads = nn.Conv2d(self.num_maps * channels, self.num_maps, 3, padding=1, groups=self.num_maps)

    def forward(self, pixels: Tensor, sentence: Tensor | None) -> Tensor:
        """Predict the maps.

        Args:
            pixels: (B, C', H, W).
            sentence: (B, S); not read if ``dynamic`` is False.

        Returns:
            (B, 5, H, W): mask, quality, cos, sin, width.
        """
        x = self.expand(pixels)
        if not self.dynamic:
            return _in_our_order(self.heads(x))
        kernels, biases = self.mixed_kernels(sentence)
        return _in_our_order(sample_convolution(x, kernels, biases))

    def mixed_kernels(self, sentence: Tensor) -> tuple[Tensor, Tensor]:
        """Return kernels (B, 5, C, 3, 3) and biases (B, 5) for ``sentence`` (B, S), in the order of Eq. 22."""
        weights = self.mixer(sentence).softmax(-1)
        return torch.einsum('bk,ktchw->btchw', weights, self.kernels), weights @ self.biases


def _in_our_order(maps: Tensor) -> Tensor:
    """Bring ``maps`` (B, 5, H, W) from the paper's order to ours."""
    return torch.stack([maps[:, i] for i in _FROM_PAPER_ORDER], dim=1)  # an index of numbers is copied to the device
