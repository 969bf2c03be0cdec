"""Fuse a coarse map with the words, in both directions."""

import torch
from mmcv.cnn.bricks.transformer import FFN
from mmdet.models.layers import SinePositionalEncoding
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.checks import check_choice
from mmvg.models.features import GroundingFeatures
from mmvg.registry import MODELS


class ResidualAttention(nn.Module):
    """Compute LN(x + attention(x, y)), and with an FFN behind it LN(x + FFN(x)).

    Args:
        embed_dims: Channels C.
        num_heads: Heads of the attention.
        dropout: Dropout on the attention weights, on the result, and in the FFN.
        ffn_channels: Hidden channels of the FFN; ``None`` leaves it out.
    """

    def __init__(self, embed_dims: int, num_heads: int, dropout: float, ffn_channels: int | None = None) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(embed_dims, num_heads, dropout, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(embed_dims)
        self.ffn = None
        if ffn_channels is not None:
            self.ffn = nn.Sequential(FFN(embed_dims, ffn_channels, ffn_drop=dropout), nn.LayerNorm(embed_dims))

    def forward(self, x: Tensor, y: Tensor, y_padding: Tensor | None = None) -> Tensor:
        """Let ``x`` attend to ``y``.

        Args:
            x: (B, N, C).
            y: (B, M, C).
            y_padding: (B, M), True where ``y`` is not to be attended to.

        Returns:
            (B, N, C).
        """
        attended = self.attention(x, y, y, key_padding_mask=y_padding, need_weights=False)[0]
        x = self.norm(x + self.dropout(attended))
        return x if self.ffn is None else self.ffn(x)


@MODELS.register_module()
class DualCrossAttentionFusion(BaseModule):
    """Fuse the coarsest map with the words in both directions: DCVLF of LGGD (arXiv:2512.21065, Eq. 7 to 12).

    The name is short for dual cross vision-language fusion. Locations attend to one another, then locations to words
    and words to locations, each with weights of its own; both are joined, and the result attends to itself once more.
    Padding is never attended to.

    Args:
        in_channels: Channels of the coarsest map, the last of ``images``.
        embed_dims: Width d, which is also that of the words.
        num_heads: Heads of all attentions.
        ffn_channels: Hidden channels of the FFNs.
        dropout: Dropout in attentions and FFNs.
        fuse: How Eq. 11 joins both, which the paper leaves open. ``'pool'``: the mean word is appended to the channels
            of every location, a 1x1 convolution and ReLU follow. ``'tokens'``: words are appended as more locations, a
            shared linear map and ReLU follow, and only the locations are kept in the end.
        cross_attention: ``False`` leaves out all attention and mixes the mean word of the encoder into every location:
            Table VI without DCVLF.

    Raises:
        ValueError: If ``fuse`` is unknown.

    Examples:
        >>> import torch
        >>> from mmvg.models import GroundingFeatures
        >>> from mmvg.models.fusions import DualCrossAttentionFusion
        >>> fusion = DualCrossAttentionFusion(in_channels=6, embed_dims=8, num_heads=2, ffn_channels=16)
        >>> text, text_mask = torch.randn(2, 5, 8), torch.ones(2, 5).bool()
        >>> fusion(GroundingFeatures(images=[torch.randn(2, 6, 4, 4)], text=text, text_mask=text_mask)).images[-1].shape
        torch.Size([2, 8, 4, 4])
    """

    def __init__(
        self,
        in_channels: int = 2048,
        embed_dims: int = 512,
        num_heads: int = 8,
        ffn_channels: int = 2048,
        dropout: float = 0.1,
        fuse: str = 'pool',
        cross_attention: bool = True,
    ) -> None:
        super().__init__()
        check_choice('DualCrossAttentionFusion.fuse', fuse, ('pool', 'tokens'))
        self.embed_dims = embed_dims
        self.cross_attention = cross_attention
        self.pool = fuse == 'pool' or not cross_attention
        self.project = nn.Conv2d(in_channels, embed_dims, 1)
        self.mix = nn.Linear(2 * embed_dims if self.pool else embed_dims, embed_dims)  # a 1x1 convolution
        if cross_attention:
            self.position = SinePositionalEncoding(embed_dims // 2)
            self.image_self = ResidualAttention(embed_dims, num_heads, dropout)
            self.image_to_text = ResidualAttention(embed_dims, num_heads, dropout, ffn_channels)
            self.text_to_image = ResidualAttention(embed_dims, num_heads, dropout, ffn_channels)
            self.fused_self = ResidualAttention(embed_dims, num_heads, dropout, ffn_channels)

    def forward(self, features: GroundingFeatures) -> GroundingFeatures:
        """Replace the last of ``images`` (B, C, h, w) by (B, d, h, w); ``text`` is (B, L, d).

        Raises:
            ValueError: If the words are not ``embed_dims`` wide.
        """
        text = features.text
        if text.shape[-1] != self.embed_dims:
            raise ValueError(
                f'DualCrossAttentionFusion is {self.embed_dims} wide, but the words are {tuple(text.shape)}'
            )
        image = self.project(features.images[-1])
        size = image.shape[-2:]
        image = image.flatten(2).transpose(1, 2)  # (B, d, h, w) -> (B, M, d)
        # an expression without any real token is read whole: attention to nothing is not a number
        words = features.text_mask | ~features.text_mask.any(1, keepdim=True)
        if self.cross_attention:
            position = self.position(image.new_zeros(image.shape[0], *size, dtype=torch.bool))
            image = image + position.flatten(2).transpose(1, 2).to(image.dtype)
            image = self.image_self(image, image)
            image, text = self.image_to_text(image, text, ~words), self.text_to_image(text, image)
        fused = self._mix(image, text, words)
        if self.cross_attention:
            padding = None if self.pool else torch.cat([words.new_zeros(image.shape[:2]), ~words], dim=1)
            fused = self.fused_self(fused, fused, padding)[:, : image.shape[1]]
        return features.replace(images=[*features.images[:-1], fused.transpose(1, 2).unflatten(2, size)])

    def _mix(self, image: Tensor, text: Tensor, words: Tensor) -> Tensor:
        """Join ``image`` (B, N, d) and ``text`` (B, L, d) to (B, N, d), or to (B, N + L, d) with ``fuse='tokens'``."""
        if not self.pool:
            return self.mix(torch.cat([image, text], dim=1)).relu()
        weights = words / words.sum(1, keepdim=True)
        mean = (text * weights[..., None].to(text.dtype)).sum(1, keepdim=True)
        return self.mix(torch.cat([image, mean.expand_as(image)], dim=2)).relu()
