"""Let every pixel gather words: the attention that LAVT and MagNet put between image and text."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvg.checks import check_choice


class PixelWordAttention(nn.Module):
    """Gather words for each pixel by attention, and multiply them with the pixel (LAVT, Eqs. 2 to 7).

    This is the pixel-word attention module of LAVT (arXiv:2112.02244). With several heads, as its code allows
    (``--mha``), the scores of each are divided by the root of all C channels, as there.

    Args:
        image_channels: C.
        text_channels: C_l.
        norm: Norm after the queries and after the gathered words: ``'instance'``, over the pixels and without affine
            (LAVT), or ``'layer'``, over the channels (MagNet's code).
        dropout: Dropout on the result.
        num_heads: Heads of the attention.

    Raises:
        ValueError: If ``norm`` is unknown, or C is no multiple of ``num_heads``.

    Examples:
        >>> import torch
        >>> from mmvg.models.fusions import PixelWordAttention
        >>> attention = PixelWordAttention(image_channels=8, text_channels=6)
        >>> attention(torch.randn(2, 16, 8), torch.randn(2, 5, 6), torch.ones(2, 5).bool()).shape
        torch.Size([2, 16, 8])
    """

    def __init__(
        self,
        image_channels: int,
        text_channels: int,
        norm: str = 'instance',
        dropout: float = 0.0,
        num_heads: int = 1,
    ) -> None:
        super().__init__()
        check_choice('PixelWordAttention.norm', norm, ('instance', 'layer'))
        if image_channels % num_heads:
            raise ValueError(f'PixelWordAttention: {image_channels} channels cannot be shared out to {num_heads} heads')
        self.num_heads = num_heads
        self.visual = nn.Linear(image_channels, image_channels)
        self.query = nn.Linear(image_channels, image_channels)
        self.key = nn.Linear(text_channels, image_channels)
        self.value = nn.Linear(text_channels, image_channels)
        self.out = nn.Linear(image_channels, image_channels)
        self.mix = nn.Linear(image_channels, image_channels)
        self.query_norm = nn.LayerNorm(image_channels) if norm == 'layer' else PixelInstanceNorm()
        self.out_norm = nn.LayerNorm(image_channels) if norm == 'layer' else PixelInstanceNorm()
        self.over_words = nn.Softmax(-1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, pixels: Tensor, text: Tensor, text_mask: Tensor) -> Tensor:
        """Gather words for each pixel.

        Args:
            pixels: (B, M, C).
            text: (B, L, C_l).
            text_mask: (B, L), True = a real token.

        Returns:
            (B, M, C).
        """
        words = text_mask[..., None]  # (B, L, 1)
        query = self.query_norm(self.query(pixels))
        key, value = self.key(text) * words, self.value(text) * words
        gathered = self.out_norm(self.out(self._gather(query, key, value, text_mask)))
        return self.dropout(F.gelu(self.mix(F.gelu(self.visual(pixels)) * gathered)))

    def _gather(self, query: Tensor, key: Tensor, value: Tensor, text_mask: Tensor) -> Tensor:
        """Let ``query`` (B, M, C) gather from the words ``value`` (B, L, C): (B, M, C)."""
        scale = key.shape[-1] ** 0.5
        if self.num_heads > 1:
            query, key, value = (x.unflatten(2, (self.num_heads, -1)).transpose(1, 2) for x in (query, key, value))
            text_mask = text_mask[:, None]
        logits = query @ key.transpose(-2, -1) / scale  # (B, M, C) @ (B, C, L) -> (B, M, L), or of each head
        weights = self.over_words(logits.masked_fill(~text_mask[..., None, :], torch.finfo(logits.dtype).min))
        gathered = weights @ value  # (B, M, L) @ (B, L, C) -> (B, M, C)
        return gathered if self.num_heads == 1 else gathered.transpose(1, 2).flatten(2)


class PixelInstanceNorm(nn.Module):
    """Normalise each channel over the pixels (B, M, C) of an image, without affine, in float32."""

    def forward(self, pixels: Tensor) -> Tensor:
        return F.instance_norm(pixels.float().transpose(1, 2)).transpose(1, 2).to(pixels.dtype)


class TanhGate(nn.Module):
    """Let part of ``x`` through, per channel: the language gate of LAVT (arXiv:2112.02244, Eqs. 8 and 9).

    Args:
        channels: C.
        activation: ``'relu'`` (LAVT) or ``'gelu'`` (MagNet).
        closed: Whether the second layer starts at zero, so that nothing passes at first. If the first one started at
            zero as well, neither would ever get a gradient.

    Examples:
        >>> import torch
        >>> from mmvg.models.fusions import TanhGate
        >>> TanhGate(4, closed=True)(torch.randn(2, 3, 4)).abs().sum()
        tensor(0., grad_fn=<SumBackward0>)
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
