"""LAVT's segmentation decoder."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import nn

from mmvg.models.features import GroundingFeatures
from mmvg.models.layers import LN2d
from mmvg.registry import MODELS


@MODELS.register_module()
class TopDownDecoder(BaseModule):
    """From the coarsest map to the finest, two convolutions at each (LAVT, arXiv:2112.02244, Sec. 3.4).

    Args:
        in_channels: Channels of the maps, finest first.
        channels: Of the convolutions and of the result.
        norm_cfg: Norm of the convolutions; ``SyncBN`` on several GPUs.
        input_norm: Whether the maps go through a LayerNorm first, as LAVT's do.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        channels: int = 512,
        norm_cfg: dict | None = None,
        input_norm: bool = True,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        norm_cfg = norm_cfg or dict(type='BN')
        self.norms = nn.ModuleList(LN2d(c) if input_norm else nn.Identity() for c in in_channels)
        deeper = [channels] * (len(in_channels) - 2) + [in_channels[-1]]
        self.steps = nn.ModuleList(
            nn.Sequential(
                ConvModule(wide + c, channels, 3, padding=1, norm_cfg=norm_cfg),
                ConvModule(channels, channels, 3, padding=1, norm_cfg=norm_cfg),
            )
            for c, wide in zip(in_channels[:-1], deeper, strict=True)
        )

    def forward(self, features: GroundingFeatures) -> GroundingFeatures:
        """Set ``pixels`` (B, C, h, w), of the size of the finest of ``images``."""
        maps = [norm(x) for norm, x in zip(self.norms, features.images, strict=True)]
        x = maps[-1]
        for step, skip in zip(reversed(self.steps), reversed(maps[:-1]), strict=True):
            x = F.interpolate(x, size=skip.shape[-2:], mode='bilinear', align_corners=True)
            x = step(torch.cat([x, skip], dim=1))
        return features.replace(pixels=x)
