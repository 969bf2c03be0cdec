"""Words for every pixel: the attention that LAVT and MagNet put between image and text."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvg.checks import check_choice


class PixelWordAttention(nn.Module):
    """Pixel-word attention module of LAVT (arXiv:2112.02244, Eqs. 2 to 7).

    Each pixel gathers the words by attention with one head; what it gathered is multiplied with the pixel.

    Args:
        image_channels: C.
        text_channels: C_l.
        norm: After the queries and after the gathered words: ``'instance'``, over the pixels and without affine
            (LAVT), or ``'layer'``, over the channels (MagNet's code).
        dropout: On the result.
    """

    def __init__(self, image_channels: int, text_channels: int, norm: str = 'instance', dropout: float = 0.0) -> None:
        super().__init__()
        check_choice('PixelWordAttention.norm', norm, ('instance', 'layer'))
        self.visual = nn.Linear(image_channels, image_channels)
        self.query = nn.Linear(image_channels, image_channels)
        self.key = nn.Linear(text_channels, image_channels)
        self.value = nn.Linear(text_channels, image_channels)
        self.out = nn.Linear(image_channels, image_channels)
        self.mix = nn.Linear(image_channels, image_channels)
        self.query_norm = nn.LayerNorm(image_channels) if norm == 'layer' else PixelInstanceNorm()
        self.out_norm = nn.LayerNorm(image_channels) if norm == 'layer' else PixelInstanceNorm()
        self.dropout = nn.Dropout(dropout)

    def forward(self, pixels: Tensor, text: Tensor, text_mask: Tensor) -> Tensor:
        """Return (B, M, C) for ``pixels`` (B, M, C) and ``text`` (B, L, C_l) with its mask (B, L)."""
        words = text_mask[..., None]
        query = self.query_norm(self.query(pixels))
        key, value = self.key(text) * words, self.value(text) * words
        logits = query @ key.transpose(1, 2) / key.shape[-1] ** 0.5
        weights = logits.masked_fill(~text_mask[:, None], torch.finfo(logits.dtype).min).softmax(-1)
        gathered = self.out_norm(self.out(weights @ value))
        return self.dropout(F.gelu(self.mix(F.gelu(self.visual(pixels)) * gathered)))


class PixelInstanceNorm(nn.Module):
    """Instance norm without affine of pixels in rows (B, M, C), in float32."""

    def forward(self, pixels: Tensor) -> Tensor:
        return F.instance_norm(pixels.float().transpose(1, 2)).transpose(1, 2).to(pixels.dtype)


class TanhGate(nn.Module):
    """The language gate of LAVT (arXiv:2112.02244, Eqs. 8 and 9): how much of ``x`` is let through, per channel.

    Args:
        channels: C.
        activation: ``'relu'`` (LAVT) or ``'gelu'`` (MagNet).
        closed: Whether the second layer starts at zero, so that nothing passes at first. Were the first one zero as
            well, neither would ever get a gradient.
    """

    def __init__(self, channels: int, activation: str = 'relu', closed: bool = False) -> None:
        super().__init__()
        self.hidden = nn.Linear(channels, channels, bias=False)
        self.activation = nn.ReLU() if activation == 'relu' else nn.GELU()
        self.out = nn.Linear(channels, channels, bias=False)
        if closed:
            nn.init.zeros_(self.out.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return the gated ``x`` (..., C)."""
        return self.out(self.activation(self.hidden(x))).tanh() * x
