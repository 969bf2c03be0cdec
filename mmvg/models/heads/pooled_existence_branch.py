"""Predict from a map that has seen the sentence whether anything is meant, by its strongest cells."""

import torch
from mmdet.models.layers import MLP
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.registry import MODELS


@MODELS.register_module()
class PooledExistenceBranch(BaseModule):
    """Predict whether there is a target from the maximum and the mean over all cells, and from the sentence.

    One small object is a few cells of a map, which a mean alone, as :class:`NoTargetBranch` takes it, hardly shows.

    Args:
        in_channels: Channels C of the map.
        sentence_channels: Width S of the sentence.
        channels: Hidden width.

    Examples:
        >>> import torch
        >>> from mmvg.models.heads import PooledExistenceBranch
        >>> branch = PooledExistenceBranch(in_channels=6, sentence_channels=8, channels=16)
        >>> branch(torch.randn(2, 6, 4, 4), torch.randn(2, 8)).shape
        torch.Size([2, 2])
    """

    def __init__(
        self, in_channels: int, sentence_channels: int, channels: int = 64, init_cfg: dict | None = None
    ) -> None:
        super().__init__(init_cfg)
        self.cells = nn.Conv2d(in_channels, channels, 1)
        self.verdict = MLP(2 * channels + sentence_channels, channels, 2, 2)

    def forward(self, image: Tensor, sentence: Tensor) -> Tensor:
        """Return logits (B, 2) from ``image`` (B, C, h, w) and ``sentence`` (B, S): 0 = has a target, 1 = has none."""
        cells = self.cells(image).relu().flatten(2)
        return self.verdict(torch.cat([cells.amax(2), cells.mean(2), sentence], dim=1))
