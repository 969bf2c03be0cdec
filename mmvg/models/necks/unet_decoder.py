"""A decoder that merges a pyramid into one fine map."""

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.models.features import GroundingFeatures
from mmvg.models.layers import double_conv
from mmvg.registry import MODELS


@MODELS.register_module()
class UNetDecoder(BaseModule):
    """From the coarsest map to the finest: enlarge, join the next finer map, two 3x3 convolutions.

    This gives S_global of InstanceVG (arXiv:2509.13747, Sec. 3.3).

    Args:
        in_channels: Channels of every level of the pyramid.
        out_channels: Channels of the result.
        num_levels: Levels of the pyramid.
    """

    def __init__(self, in_channels: int = 256, out_channels: int = 256, num_levels: int = 4) -> None:
        super().__init__()
        widths = [in_channels] + [out_channels] * (num_levels - 2)
        #: Coarsest first: the first stage joins the two coarsest levels.
        self.stages = nn.ModuleList(double_conv(width + in_channels, out_channels) for width in widths)

    def forward(self, features: GroundingFeatures) -> GroundingFeatures:
        """Set ``pixels`` (B, C, h, w), of the size of the finest map and not negative, from ``images``.

        Raises:
            ValueError: If the number of maps is not ``num_levels``.
        """
        *finer, x = features.images
        if len(finer) != len(self.stages):
            raise ValueError(
                f'UNetDecoder was built for {len(self.stages) + 1} maps, it got {len(features.images)}; it belongs '
                'behind the feature pyramid'
            )
        for stage, level in zip(self.stages, reversed(finer), strict=True):
            x = stage(_join(x, level))
        return features.replace(pixels=x)


def _join(coarse: Tensor, fine: Tensor) -> Tensor:
    enlarged = F.interpolate(coarse, size=fine.shape[-2:], mode='bilinear', align_corners=True)
    return torch.cat([enlarged, fine], dim=1)
