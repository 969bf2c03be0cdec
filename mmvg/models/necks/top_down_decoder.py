"""Merge a pyramid into one fine map."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import nn

from mmvg.checks import check_choice
from mmvg.models.features import GroundingFeatures
from mmvg.models.layers import LN2d
from mmvg.registry import MODELS


@MODELS.register_module()
class TopDownDecoder(BaseModule):
    """Merge the maps from the coarsest to the finest: enlarge, join the next finer map, convolve 3x3 twice.

    This is the decoder of LAVT (arXiv:2112.02244, Sec. 3.4); without the norm of its inputs it is InstanceVG's UNet
    decoder, which gives S_global (arXiv:2509.13747, Sec. 3.3).

    Args:
        in_channels: Channels of the maps, finest first.
        channels: Channels C of the convolutions and of the result.
        norm_cfg: Norm of the convolutions; ``SyncBN`` on several GPUs.
        input_norm: Whether the maps go through a LayerNorm first, as LAVT's do.
        conv_init: Initial weights of the convolutions: ``'kaiming'``, which is MMCV's, or ``'pytorch'``, PyTorch's own.

    Raises:
        ValueError: If ``conv_init`` is unknown.

    Examples:
        >>> import torch
        >>> from mmvg.models import GroundingFeatures
        >>> from mmvg.models.necks import TopDownDecoder
        >>> maps = [torch.randn(2, 8, side, side) for side in (16, 8, 4)]
        >>> TopDownDecoder(in_channels=(8, 8, 8), channels=6)(GroundingFeatures(images=maps)).pixels.shape
        torch.Size([2, 6, 16, 16])
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        channels: int = 512,
        norm_cfg: dict | None = None,
        input_norm: bool = True,
        conv_init: str = 'kaiming',
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        check_choice('TopDownDecoder.conv_init', conv_init, ('kaiming', 'pytorch'))
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
        if conv_init == 'pytorch':
            for step in self.steps:
                for module in step:
                    module.conv.reset_parameters()

    def forward(self, features: GroundingFeatures) -> GroundingFeatures:
        """Set ``pixels`` (B, C, h, w), of the size of the finest of ``images`` and not negative.

        Raises:
            ValueError: If there are more or fewer maps than ``in_channels``.
        """
        if len(features.images) != len(self.norms):
            raise ValueError(
                f'TopDownDecoder was built for {len(self.norms)} maps, it got {len(features.images)}; it belongs '
                'behind the feature pyramid'
            )
        maps = [norm(x) for norm, x in zip(self.norms, features.images, strict=True)]
        x = maps[-1]
        for step, skip in zip(reversed(self.steps), reversed(maps[:-1]), strict=True):
            x = F.interpolate(x, size=skip.shape[-2:], mode='bilinear', align_corners=True)
            x = step(torch.cat([x, skip], dim=1))  # (B, C + C_i, h_i, w_i) -> (B, C, h_i, w_i)
        return features.replace(pixels=x)
