"""Merge three maps and a sentence into one map with coordinates: the neck of CRIS."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.models.features import GroundingFeatures
from mmvg.registry import MODELS

_NORM = dict(type='BN')


@MODELS.register_module()
class SentenceGatedFPN(BaseModule):
    """Multiply the sentence into the coarsest map and merge it with the finer two: the neck of CRIS (arXiv:2111.15174).

    The result has the size of the middle map. Its last step appends two channels with x and y from -1 to 1.

    Args:
        in_channels: Channels of the three maps, finest first.
        sentence_channels: Width of the sentence vector.
        channels: Widths inside, of the fine, the middle and the coarse map; the middle one is that of the result.

    Examples:
        >>> import torch
        >>> from mmvg.models import GroundingFeatures
        >>> from mmvg.models.fusions import SentenceGatedFPN
        >>> neck = SentenceGatedFPN(in_channels=(8, 8, 8), sentence_channels=6, channels=(4, 8, 16))
        >>> maps = [torch.randn(2, 8, side, side) for side in (16, 8, 4)]
        >>> neck(GroundingFeatures(images=maps, sentence=torch.randn(2, 6))).images[0].shape
        torch.Size([2, 8, 8, 8])
    """

    def __init__(
        self,
        in_channels: tuple[int, int, int] = (512, 1024, 512),
        sentence_channels: int = 512,
        channels: tuple[int, int, int] = (256, 512, 1024),
    ) -> None:
        super().__init__()
        fine, middle, coarse = channels
        self.sentence = nn.Sequential(
            nn.Linear(sentence_channels, coarse, bias=False), nn.BatchNorm1d(coarse), nn.ReLU(inplace=True)
        )
        self.coarse = _conv(in_channels[2], coarse, 1)
        self.gate_norm = nn.BatchNorm2d(coarse)
        self.middle = _conv(in_channels[1], middle, 3)
        self.middle_merge = _conv(middle + coarse, middle, 1)
        self.fine = _conv(in_channels[0], fine, 3)
        self.fine_merge = _conv(fine + middle, middle, 1)
        self.smooth = nn.ModuleList(_conv(width, middle, 3) for width in (middle, middle, coarse))
        self.merge = _conv(3 * middle, middle, 1)
        self.coordinates = nn.Sequential(_conv(middle + 2, middle, 3), _conv(middle, middle, 3))

    def forward(self, features: GroundingFeatures) -> GroundingFeatures:
        """Replace ``images``, of strides s, 2s and 4s, by one map (B, C, h, w) of stride 2s.

        Raises:
            ValueError: If there are not three maps of these strides, or there is no sentence vector.
        """
        _check(features)
        fine, middle, coarse = features.images
        gate = self.sentence(features.sentence)[:, :, None, None]
        coarse = F.relu(self.gate_norm(self.coarse(coarse) * gate))
        middle = self.middle_merge(torch.cat([self.middle(middle), _twice(coarse)], 1))
        fine = self.fine_merge(torch.cat([F.avg_pool2d(self.fine(fine), 2), middle], 1))
        fine, middle, coarse = (layer(x) for layer, x in zip(self.smooth, (fine, middle, coarse), strict=True))
        merged = self.merge(torch.cat([fine, middle, _twice(coarse)], 1))
        return features.replace(images=[self.coordinates(torch.cat([merged, _coordinates(merged)], 1))])


def _conv(in_channels: int, out_channels: int, kernel_size: int) -> ConvModule:
    """Return a convolution without bias, BatchNorm and ReLU."""
    return ConvModule(in_channels, out_channels, kernel_size, padding=kernel_size // 2, norm_cfg=_NORM)


def _twice(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode='bilinear', align_corners=False)


def _coordinates(x: Tensor) -> Tensor:
    """Return x and y (B, 2, h, w) of the cells of a map (B, C, h, w), from -1 in the first cell to 1 in the last."""
    height, width = x.shape[-2:]
    xs = torch.linspace(-1, 1, width, dtype=x.dtype, device=x.device).expand(height, width)
    ys = torch.linspace(-1, 1, height, dtype=x.dtype, device=x.device)[:, None].expand(height, width)
    return torch.stack([xs, ys]).expand(x.shape[0], -1, -1, -1)


def _check(features: GroundingFeatures) -> None:
    sizes = [tuple(x.shape[-2:]) for x in features.images]
    if len(sizes) != 3 or any(finer != (2 * h, 2 * w) for finer, (h, w) in pairwise(sizes)):
        raise ValueError(
            f'SentenceGatedFPN reads three maps, each half the size of the one before, but the backbone gave {sizes}'
        )
    if features.sentence is None:
        raise ValueError('SentenceGatedFPN needs a backbone that gives a sentence vector')
