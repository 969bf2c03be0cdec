"""Weigh each region of a map by the anchor that stands for it (RaAM-RVG, Ouyang et al., ICCV 2025, Sec. 3.5)."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import nn

from mmvg.models.features import GroundingFeatures
from mmvg.models.layers.region_grid import anchors_to_map
from mmvg.registry import MODELS


@MODELS.register_module()
class RegionModulation(BaseModule):
    r"""Multiply every position of region n with anchor n, and join the stages (RaAM-RVG, eq. 10).

    .. math:: R_n = concat_i(P_n \odot X_n^i)

    The regions are the cells of a g x g grid over the map, row-major, with g the square root of the number of anchors.
    The paper multiplies features of one width; if the stages differ (Swin), a 1x1 convolution brings each to
    ``out_channels``, a linear map the anchors, and bilinear interpolation all maps to the resolution of the first.
    Without anchors (Table 5(a), direct interaction) the maps are only joined.

    Args:
        in_channels: Channels of the last maps of ``features.images``; earlier maps, as that of stage 1, are left out.
        anchor_channels: Channels of the anchors; ``None`` if there are none.
        out_channels: Width at which maps and anchors are multiplied; ``None`` leaves them as they are.

    Raises:
        ValueError: If widths differ and ``out_channels`` is not given.

    Examples:
        >>> import torch
        >>> from mmvg.models import GroundingFeatures
        >>> from mmvg.models.fusions import RegionModulation
        >>> neck = RegionModulation(in_channels=(8, 8, 8), anchor_channels=8)
        >>> maps, anchors = [torch.randn(2, 8, 8, 8)] * 4, torch.randn(2, 16, 8)
        >>> neck(GroundingFeatures(images=maps, anchors=anchors)).images[-1].shape
        torch.Size([2, 24, 8, 8])
    """

    def __init__(
        self, in_channels: Sequence[int], anchor_channels: int | None = None, out_channels: int | None = None
    ) -> None:
        super().__init__()
        widths = {*in_channels} if anchor_channels is None else {*in_channels, anchor_channels}
        if out_channels is None and len(widths) > 1:
            raise ValueError(
                f'RegionModulation: maps have {list(in_channels)} channels, anchors {anchor_channels}; set '
                'out_channels to bring them to one width'
            )
        self.num_maps = len(in_channels)
        self.anchor_channels = anchor_channels
        self.project = nn.ModuleList(
            nn.Identity() if out_channels is None else nn.Conv2d(channels, out_channels, 1) for channels in in_channels
        )
        has_projection = out_channels is not None and anchor_channels is not None
        self.project_anchors = nn.Linear(anchor_channels, out_channels) if has_projection else nn.Identity()

    def forward(self, features: GroundingFeatures) -> GroundingFeatures:
        """Replace ``images`` by one map R (B, 3C, h, w), if three maps are joined.

        Raises:
            ValueError: If there are fewer maps, or anchors where none are expected or none where they are, or if the
                grid of regions does not divide the map.
        """
        if len(features.images) < self.num_maps:
            raise ValueError(
                f'RegionModulation joins {self.num_maps} maps, but the encoder gave {len(features.images)}'
            )
        if (features.anchors is None) != (self.anchor_channels is None):
            found = 'no anchors' if features.anchors is None else f'{features.anchors.shape[1]} anchors'
            raise ValueError(
                f'RegionModulation was built with anchor_channels={self.anchor_channels}, but the encoder gave {found}'
            )
        maps = [project(x) for project, x in zip(self.project, features.images[-self.num_maps :], strict=True)]
        size = maps[0].shape[-2:]
        maps = [x if x.shape[-2:] == size else F.interpolate(x, size=size, mode='bilinear') for x in maps]
        if features.anchors is not None:
            weights = anchors_to_map(self.project_anchors(features.anchors), tuple(size))
            maps = [x * weights for x in maps]
        return features.replace(images=[torch.cat(maps, dim=1)])
