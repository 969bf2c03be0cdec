"""Predict whether the expression means anything in the image."""

from mmdet.models.layers import MLP
from torch import Tensor, nn


class NoTargetBranch(nn.Module):
    """Predict from the mask features whether there is a target (InstanceVG, arXiv:2509.13747, Sec. 3.4).

    An MLP looks at every pixel, and its answers are averaged over the pixels.

    Args:
        in_channels: Channels C of the mask features.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.mlp = MLP(in_channels, in_channels, 2, 3)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return logits (B, 2) from ``pixels`` (B, C, h, w): class 0 = has a target, class 1 = has none."""
        return self.mlp(pixels.flatten(2).transpose(1, 2)).mean(1)
