"""Make a feature pyramid of the single map of a plain vision transformer."""

from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import nn

from mmvg.models.features import GroundingFeatures
from mmvg.models.layers import LN2d
from mmvg.registry import MODELS


@MODELS.register_module()
class SimpleFPN(BaseModule):
    """Make maps at 4, 2, 1 and 1/2 times the resolution of one map (ViTDet, arXiv:2203.16527, Sec. 3).

    Transposed convolutions enlarge, max-pooling shrinks; then each map gets a 1x1 and a 3x3 convolution, each with a
    normalisation over channels. No map sees another one.

    Args:
        in_channels: Channels of the given map, a multiple of 4.
        out_channels: Channels of every level.

    Raises:
        ValueError: If ``in_channels`` is no multiple of 4.

    Examples:
        >>> import torch
        >>> from mmvg.models import GroundingFeatures
        >>> from mmvg.models.necks import SimpleFPN
        >>> maps = SimpleFPN(in_channels=8, out_channels=6)(GroundingFeatures(images=[torch.randn(2, 8, 4, 4)])).images
        >>> [tuple(x.shape) for x in maps]
        [(2, 6, 16, 16), (2, 6, 8, 8), (2, 6, 4, 4), (2, 6, 2, 2)]
    """

    def __init__(self, in_channels: int = 256, out_channels: int = 256) -> None:
        super().__init__()
        if in_channels % 4:
            raise ValueError(f'SimpleFPN halves its channels twice: in_channels={in_channels} is no multiple of 4')
        half, quarter = in_channels // 2, in_channels // 4
        self.fpn1 = nn.Sequential(
            nn.ConvTranspose2d(in_channels, half, 2, stride=2),
            LN2d(half),
            nn.GELU(),
            nn.ConvTranspose2d(half, quarter, 2, stride=2),
        )
        self.fpn2 = nn.Sequential(nn.ConvTranspose2d(in_channels, half, 2, stride=2))
        self.fpn3 = nn.Identity()
        self.fpn4 = nn.MaxPool2d(2)
        norm_cfg = dict(type=LN2d)
        self.lateral_convs = nn.ModuleList(
            ConvModule(channels, out_channels, 1, norm_cfg=norm_cfg, act_cfg=None)
            for channels in (quarter, half, in_channels, in_channels)
        )
        self.fpn_convs = nn.ModuleList(
            ConvModule(out_channels, out_channels, 3, padding=1, norm_cfg=norm_cfg, act_cfg=None) for _ in range(4)
        )

    def forward(self, features: GroundingFeatures) -> GroundingFeatures:
        """Replace ``images``: the last map (B, C, h, w) becomes four, 4h x 4w, 2h x 2w, h x w and h/2 x w/2."""
        image = features.images[-1]
        maps = [resize(image) for resize in (self.fpn1, self.fpn2, self.fpn3, self.fpn4)]
        levels = zip(self.lateral_convs, self.fpn_convs, maps, strict=True)
        return features.replace(images=[conv(lateral(level)) for lateral, conv, level in levels])
