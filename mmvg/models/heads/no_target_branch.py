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


def target_probability(outputs: dict[str, Tensor | None]) -> Tensor | None:
    """Return the probability (B,) that anything is meant, of a head's ``no_target_logits`` (B, 2); None without them.

    Examples:
        >>> import torch
        >>> from mmvg.models.heads.no_target_branch import target_probability
        >>> target_probability(dict(no_target_logits=torch.zeros(1, 2)))
        tensor([0.5000])
    """
    logits = outputs.get('no_target_logits')
    return None if logits is None else logits.float().softmax(-1)[:, 0]
