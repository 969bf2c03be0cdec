"""Let pixels attend to words in transformer layers: the vision-language decoder of CRIS."""

import math

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.models.features import GroundingFeatures
from mmvg.registry import MODELS


@MODELS.register_module()
class VisionLanguageDecoder(BaseModule):
    """Let the cells of a map attend to each other, then to the words, in transformer layers (CRIS, arXiv:2111.15174).

    Layers are pre-norm with a second LayerNorm on the result of each attention, and one inside the FFN. Positions of
    cells and words are fixed sine waves of a temperature of 10000, not normalised; the first half of a cell's channels
    stands for x, the second for y.

    Args:
        embed_dims: C of the map.
        text_channels: Width of the words.
        num_layers: Number of layers.
        num_heads: Heads of both attentions.
        ffn_channels: Hidden channels of the FFNs.
        dropout: Dropout on attention weights, on the result of each part, and inside the FFN.

    Raises:
        ValueError: If ``embed_dims`` is no multiple of 4, or ``text_channels`` no multiple of 2.

    Examples:
        >>> import torch
        >>> from mmvg.models import GroundingFeatures
        >>> from mmvg.models.fusions import VisionLanguageDecoder
        >>> decoder = VisionLanguageDecoder(8, text_channels=6, num_layers=1, num_heads=2, ffn_channels=16)
        >>> text, text_mask = torch.randn(2, 5, 6), torch.ones(2, 5).bool()
        >>> decoder(GroundingFeatures(images=[torch.randn(2, 8, 4, 4)], text=text, text_mask=text_mask)).images[0].shape
        torch.Size([2, 8, 4, 4])
    """

    def __init__(
        self,
        embed_dims: int = 512,
        text_channels: int = 512,
        num_layers: int = 3,
        num_heads: int = 8,
        ffn_channels: int = 2048,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if embed_dims % 4 or text_channels % 2:
            raise ValueError(
                f'sine positions need embed_dims in fours and text_channels in twos, not {embed_dims}, {text_channels}'
            )
        self.layers = nn.ModuleList(
            _DecoderLayer(embed_dims, text_channels, num_heads, ffn_channels, dropout) for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(embed_dims)

    def forward(self, features: GroundingFeatures) -> GroundingFeatures:
        """Replace ``images``, one map (B, C, h, w), by the decoded map of the same shape.

        Raises:
            ValueError: If there is not exactly one map.
        """
        if len(features.images) != 1:
            raise ValueError(
                f'VisionLanguageDecoder decodes one map, it got {len(features.images)}; it belongs behind the neck'
            )
        (image,), text = features.images, features.text
        size = image.shape[-2:]
        cells = image.flatten(2).transpose(1, 2)  # (B, C, h, w) -> (B, M, C)
        cell_positions = _positions_2d(*size, image.shape[1], image.device)
        keys = text + _positions(text.shape[1], text.shape[2], text.device)
        for layer in self.layers:
            cells = layer(cells, cell_positions, keys, text, ~features.text_mask)
        return features.replace(images=[self.norm(cells).transpose(1, 2).unflatten(2, size)])


class _DecoderLayer(nn.Module):
    def __init__(self, embed_dims: int, text_channels: int, num_heads: int, ffn_channels: int, dropout: float) -> None:
        super().__init__()
        self.self_norm = nn.LayerNorm(embed_dims)
        self.self_attn = nn.MultiheadAttention(embed_dims, num_heads, dropout, batch_first=True)
        self.self_out_norm = nn.LayerNorm(embed_dims)
        self.cross_norm = nn.LayerNorm(embed_dims)
        self.cross_attn = nn.MultiheadAttention(
            embed_dims, num_heads, dropout, kdim=text_channels, vdim=text_channels, batch_first=True
        )
        self.cross_out_norm = nn.LayerNorm(embed_dims)
        self.ffn = nn.Sequential(
            nn.LayerNorm(embed_dims),
            nn.Linear(embed_dims, ffn_channels),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.LayerNorm(ffn_channels),
            nn.Linear(ffn_channels, embed_dims),
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, cells: Tensor, positions: Tensor, keys: Tensor, words: Tensor, padding: Tensor) -> Tensor:
        """Cells (B, N, C) after a look at each other and at ``words`` (B, L, C'); ``padding`` (B, L) is left out."""
        x = self.self_norm(cells)
        x, _ = self.self_attn(x + positions, x + positions, x, need_weights=False)
        cells = cells + self.dropout(self.self_out_norm(x))
        x = self.cross_norm(cells) + positions
        x, _ = self.cross_attn(x, keys, words, key_padding_mask=padding, need_weights=False)
        cells = cells + self.dropout(self.cross_out_norm(x))
        return cells + self.dropout(self.ffn(cells))


def _positions(length: int, channels: int, device: torch.device) -> Tensor:
    """Return sine waves (length, channels); sines and cosines of falling frequency take turns."""
    rates = torch.exp(torch.arange(0, channels, 2, device=device) * (-math.log(10000) / channels))
    angles = torch.arange(length, device=device)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1)


def _positions_2d(height: int, width: int, channels: int, device: torch.device) -> Tensor:
    """Return sine waves (height * width, channels), the first half of the channels for x, the second for y."""
    xs = _positions(width, channels // 2, device).expand(height, -1, -1)
    ys = _positions(height, channels // 2, device)[:, None].expand(-1, width, -1)
    return torch.cat([xs, ys], -1).flatten(0, 1)
