"""Bring a coarse fused map to the size of the input, guided by the sentence."""

from collections.abc import Sequence
from itertools import pairwise

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import nn

from mmvg.models.features import GroundingFeatures
from mmvg.models.fusions.language_attention_fusion import LanguageAttentionFusion
from mmvg.models.layers import conv_bn_relu
from mmvg.registry import MODELS


@MODELS.register_module()
class LanguageGuidedUpsampling(BaseModule):
    """Enlarge the fused map step by step, guided by the sentence (LGGD, arXiv:2512.21065, Sec. IV-C).

    There is one :class:`LanguageAttentionFusion` per skip map, coarsest first, and then stages that double the map
    without a skip.

    Args:
        in_channels: Channels of the coarsest map.
        skip_channels: Channels of the skip maps, coarsest first.
        joined_channels: Width C' to which each skip map is brought before it is joined.
        out_channels: Channels that leave each stage with a skip.
        plain_channels: Channels that leave each stage without one.
        sentence_channels: Channels S of the sentence.
        attentive: ``False`` leaves out what the sentence and attention do in the stages: Table VI without LMAFN.

    Examples:
        >>> import torch
        >>> from mmvg.models import GroundingFeatures
        >>> from mmvg.models.fusions import LanguageGuidedUpsampling
        >>> fusion = LanguageGuidedUpsampling(8, [6], [4], [8], plain_channels=[4], sentence_channels=5)
        >>> maps = [torch.randn(2, 6, 8, 8), torch.randn(2, 8, 4, 4)]
        >>> fusion(GroundingFeatures(images=maps, sentence=torch.randn(2, 5))).pixels.shape
        torch.Size([2, 4, 16, 16])
    """

    def __init__(
        self,
        in_channels: int = 512,
        skip_channels: Sequence[int] = (1024, 512, 256),
        joined_channels: Sequence[int] = (512, 512, 256),
        out_channels: Sequence[int] = (512, 256, 256),
        plain_channels: Sequence[int] = (256, 256),
        sentence_channels: int = 1024,
        attentive: bool = True,
    ) -> None:
        super().__init__()
        widths = (in_channels, *out_channels, *plain_channels)
        self.attentive = attentive
        self.stages = nn.ModuleList(
            LanguageAttentionFusion(deep, skip, joined, out, sentence_channels, attentive=attentive)
            for deep, skip, joined, out in zip(widths, skip_channels, joined_channels, out_channels, strict=False)
        )
        plain = widths[len(out_channels) :]
        self.plain_stages = nn.ModuleList(conv_bn_relu(a, b) for a, b in pairwise(plain))

    def forward(self, features: GroundingFeatures) -> GroundingFeatures:
        """Set ``pixels`` (B, C, H, W) from ``images``, finest first, and ``sentence`` (B, S).

        Raises:
            ValueError: If the number of maps is not that of the stages and one, or there is no sentence.
        """
        *skips, x = features.images
        if len(skips) != len(self.stages):
            raise ValueError(
                f'LanguageGuidedUpsampling was built for {len(self.stages)} skip maps and a coarse one, it got '
                f'{len(features.images)} maps in all'
            )
        if self.attentive and features.sentence is None:
            raise ValueError('LanguageGuidedUpsampling needs a backbone that gives a sentence vector')
        for stage, skip in zip(self.stages, reversed(skips), strict=True):
            x = stage(x, skip, features.sentence)
        for stage in self.plain_stages:
            x = stage(F.interpolate(x, scale_factor=2, mode='bilinear', align_corners=False))
        return features.replace(pixels=x)
