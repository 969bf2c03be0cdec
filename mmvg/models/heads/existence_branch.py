"""The verdict whether the expression means anything in the image."""

from mmdet.models.layers import MLP
from torch import Tensor, nn


class ExistenceBranch(nn.Module):
    """An MLP on every pixel of the mask features, averaged over the pixels (InstanceVG, arXiv:2509.13747, Sec. 3.4).

    Args:
        in_channels: C.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.mlp = MLP(in_channels, in_channels, 2, 3)

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits (B, 2) from ``pixels`` (B, C, h, w): class 0 = has a target, class 1 = has none."""
        return self.mlp(pixels.flatten(2).transpose(1, 2)).mean(1)
