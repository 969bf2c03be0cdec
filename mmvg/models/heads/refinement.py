"""Correct coarse maps."""

import torch
from mmengine.model import BaseModule
from torch import Tensor

from mmvg.models.layers import UNet
from mmvg.registry import MODELS


@MODELS.register_module()
class MapRefinement(BaseModule):
    """Correct coarse logits with two U-Nets that see nothing but them (LGGD, arXiv:2512.21065, Eq. 29 to 31).

    One refines the mask, the other the four maps of grasps. Both start at a correction of zero.

    Args:
        widths: Channels of the encoder blocks, finest first.

    Examples:
        >>> import torch
        >>> from mmvg.models.heads import MapRefinement
        >>> coarse = torch.randn(1, 5, 8, 8)
        >>> torch.equal(MapRefinement(widths=(4, 8))(coarse), coarse)
        True
    """

    def __init__(self, widths: tuple[int, ...] = (64, 128, 256, 512)) -> None:
        super().__init__()
        self.mask = UNet(1, widths)
        self.grasp = UNet(4, widths)

    def forward(self, coarse: Tensor) -> Tensor:
        """Refine ``coarse`` logits (B, 5, H, W), the mask first."""
        return coarse + torch.cat([self.mask(coarse[:, :1]), self.grasp(coarse[:, 1:])], dim=1)
