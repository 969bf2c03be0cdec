"""Join a coarse map with a finer one, and weigh both by the sentence."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvg.models.layers.convolutions import conv_bn_relu
from mmvg.models.layers.film import FiLM
from mmvg.registry import MODELS


@MODELS.register_module()
class LanguageAttentionFusion(nn.Module):
    r"""Enlarge a map, join a finer one, and weigh both by the sentence: LMAFN of LGGD (arXiv:2512.21065, Eq. 13 to 20).

    The name is short for language-guided multi-dimensional attention fusion network. The deep map is enlarged to the
    size of the skip map and joined with a 1x1 convolution of it. FiLM lets the sentence modulate the result x, which is
    then weighed per pixel and channel, and per channel:

    .. math:: x' = x \cdot \sigma(conv_{3x3}(x)) \cdot \sigma(MLP(mean(x)))

    The global mean has no BatchNorm behind it on purpose: a batch of one image must work.

    Args:
        deep_channels: Channels of the deep map.
        skip_channels: Channels of the skip map as it comes.
        joined_channels: Channels of the skip map when it is joined.
        out_channels: Channels of the result.
        sentence_channels: Channels S of the sentence.
        reduction: Channels per hidden channel of the channel attention; the paper does not say.
        attentive: ``False`` leaves out FiLM and both attentions: Table VI without LMAFN.

    Examples:
        >>> import torch
        >>> from mmvg.models.fusions import LanguageAttentionFusion
        >>> fusion = LanguageAttentionFusion(8, 4, joined_channels=6, out_channels=5, sentence_channels=3)
        >>> fusion(torch.randn(2, 8, 4, 4), torch.randn(2, 4, 8, 8), torch.randn(2, 3)).shape
        torch.Size([2, 5, 8, 8])
    """

    def __init__(
        self,
        deep_channels: int,
        skip_channels: int,
        joined_channels: int,
        out_channels: int,
        sentence_channels: int,
        reduction: int = 16,
        attentive: bool = True,
    ) -> None:
        super().__init__()
        channels = deep_channels + joined_channels
        self.skip = conv_bn_relu(skip_channels, joined_channels, kernel_size=1)
        self.attentive = attentive
        if attentive:
            hidden = max(1, channels // reduction)
            self.film = FiLM(channels, sentence_channels)
            self.pixel_attention = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.Sigmoid())
            self.channel_attention = nn.Sequential(
                nn.Linear(channels, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, channels), nn.Sigmoid()
            )
        self.out = conv_bn_relu(channels, out_channels)

    def forward(self, deep: Tensor, skip: Tensor, sentence: Tensor | None) -> Tensor:
        """Join both maps.

        Args:
            deep: (B, C, h, w).
            skip: (B, C', H, W).
            sentence: (B, S); not read if ``attentive`` is False.

        Returns:
            (B, C'', H, W).
        """
        deep = F.interpolate(deep, size=skip.shape[-2:], mode='bilinear', align_corners=False)
        x = torch.cat([deep, self.skip(skip)], dim=1)
        if self.attentive:
            x = self.film(x, sentence)
            x = x * self.pixel_attention(x) * self.channel_attention(x.mean((2, 3)))[..., None, None]
        return self.out(x)
