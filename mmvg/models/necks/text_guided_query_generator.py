"""Make object queries of what learned queries read in the text."""

import torch
from mmdet.models.layers import DetrTransformerDecoder
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.models.features import GroundingFeatures
from mmvg.models.layers import detr_layer_cfg
from mmvg.registry import MODELS


@MODELS.register_module()
class TextGuidedQueryGenerator(BaseModule):
    """Generate queries from the text: TQG of SimVG (arXiv:2409.17531, Sec. 3.2).

    A query is the sum of a learned query, of what it reads in the tokens through a small DETR decoder, and of the
    maximum of the real tokens.

    Args:
        channels: Channels C of the tokens and the queries.
        num_queries: Number Q of queries.
        num_layers: Layers of the decoder.
        num_heads: Heads of its attentions.
        ffn_channels: Hidden channels of its FFNs.
        dropout: Dropout on the attention weights and inside the FFNs.
        position_frequencies: How many of the C / 2 frequencies tell where a token stands; None is all of them. In the
            authors' code rounding to whole numbers leaves the first one alone.

    Raises:
        ValueError: If ``channels`` is odd.

    Examples:
        >>> import torch
        >>> from mmvg.models import GroundingFeatures
        >>> from mmvg.models.necks import TextGuidedQueryGenerator
        >>> generator = TextGuidedQueryGenerator(channels=8, num_queries=3, num_heads=2, ffn_channels=16)
        >>> text, text_mask = torch.randn(2, 5, 8), torch.ones(2, 5).bool()
        >>> generator(GroundingFeatures(images=[], text=text, text_mask=text_mask)).queries.shape
        torch.Size([2, 3, 8])
    """

    def __init__(
        self,
        channels: int = 256,
        num_queries: int = 1,
        num_layers: int = 2,
        num_heads: int = 8,
        ffn_channels: int = 512,
        dropout: float = 0.1,
        position_frequencies: int | None = 1,
    ) -> None:
        super().__init__()
        if channels % 2:
            raise ValueError(f'the sine position needs channels to be even, not {channels}')
        self.table = nn.Embedding(num_queries, channels)
        self.position_frequencies = position_frequencies
        layer_cfg = detr_layer_cfg(channels, num_heads, ffn_channels, dropout)
        self.decoder = DetrTransformerDecoder(num_layers, layer_cfg, return_intermediate=False)

    def forward(self, features: GroundingFeatures) -> GroundingFeatures:
        """Set ``queries`` (B, Q, C) from ``text`` (B, L, C). A text without any real token is read as it is."""
        text, mask = features.text, features.text_mask.bool()
        mask = mask | ~mask.any(dim=1, keepdim=True)
        table = self.table.weight.expand(text.shape[0], -1, -1)
        read = self.decoder(
            torch.zeros_like(table),
            key=text,
            value=text,
            query_pos=table,
            key_pos=token_positions(text, self.position_frequencies),
            key_padding_mask=~mask,
        )[0]
        strongest = text.masked_fill(~mask[..., None], -torch.inf).amax(dim=1, keepdim=True)
        return features.replace(queries=read + strongest + table)


def token_positions(text: Tensor, frequencies: int | None) -> Tensor:
    """Compute sine positions (1, L, C) of the tokens of ``text`` (B, L, C): pairs of sine and cosine.

    Args:
        text: For its shape, type and device.
        frequencies: How many of the C / 2 frequencies are kept, from the highest on; the others are zero, so that their
            cosine is 1 everywhere. None keeps all.

    Examples:
        >>> token_positions(torch.zeros(1, 2, 4), frequencies=1)
        tensor([[[0.0000, 1.0000, 0.0000, 1.0000],
                 [0.8415, 0.5403, 0.0000, 1.0000]]])
    """
    length, pairs = text.shape[1], text.shape[2] // 2
    index = torch.arange(pairs, device=text.device)
    rates = 10000.0 ** (-index / pairs)
    if frequencies is not None:
        rates = rates * (index < frequencies)
    angles = torch.arange(length, device=text.device)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[None].to(text.dtype)
