"""Corrections to coarse maps."""

import torch
from mmengine.model import BaseModule
from torch import Tensor

from mmvg.models.layers import UNet
from mmvg.registry import MODELS


@MODELS.register_module()
class MapRefinement(BaseModule):
    """Two U-Nets that see nothing but coarse logits and add what is missing (LGGD, arXiv:2512.21065, Eq. 29 to 31).

    One refines the mask, the other the four maps of grasps. Both start at a correction of zero.

    Args:
        widths: Channels of the encoder blocks, finest first.
    """

    def __init__(self, widths: tuple[int, ...] = (64, 128, 256, 512)) -> None:
        super().__init__()
        self.mask = UNet(1, widths)
        self.grasp = UNet(4, widths)

    def forward(self, coarse: Tensor) -> Tensor:
        """Refine ``coarse`` (B, 5, H, W), the mask first."""
        return coarse + torch.cat([self.mask(coarse[:, :1]), self.grasp(coarse[:, 1:])], dim=1)
