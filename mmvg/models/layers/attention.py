"""Attention layers built on mmdet's."""

from mmdet.models.layers import DetrTransformerDecoderLayer
from torch import Tensor


def detr_layer_cfg(embed_dims: int, num_heads: int, ffn_channels: int, dropout: float) -> dict:
    """Return the arguments of mmdet's DETR decoder layer.

    Args:
        embed_dims: Channels C.
        num_heads: Heads of both attentions.
        ffn_channels: Hidden channels of the FFN.
        dropout: Dropout on the attention weights and inside the FFN.

    Examples:
        >>> from mmvg.models.layers import detr_layer_cfg
        >>> list(detr_layer_cfg(embed_dims=8, num_heads=2, ffn_channels=16, dropout=0.1))
        ['self_attn_cfg', 'cross_attn_cfg', 'ffn_cfg']
    """
    attention = dict(embed_dims=embed_dims, num_heads=num_heads, attn_drop=dropout, batch_first=True)
    return dict(
        self_attn_cfg=dict(attention, dropout_layer=None),
        cross_attn_cfg=dict(attention, dropout_layer=None),
        ffn_cfg=dict(embed_dims=embed_dims, feedforward_channels=ffn_channels, ffn_drop=dropout),
    )


class WeightedDecoderLayer(DetrTransformerDecoderLayer):
    """Run DETR's decoder layer (post-norm, ReLU), and return its attention weights too.

    Args:
        embed_dims: Channels C.
        num_heads: Heads of both attentions.
        ffn_channels: Hidden channels of the FFN.
        dropout: Dropout on the attention weights and inside the FFN.

    Examples:
        >>> import torch
        >>> from mmvg.models.layers import WeightedDecoderLayer
        >>> query, memory = torch.randn(2, 3, 8), torch.randn(2, 16, 8)
        >>> layer = WeightedDecoderLayer(8, num_heads=2, ffn_channels=16, dropout=0.0)
        >>> states, weights = layer(query, memory, torch.zeros_like(query), torch.zeros_like(memory))
        >>> states.shape, weights.shape
        (torch.Size([2, 3, 8]), torch.Size([2, 3, 16]))
    """

    def __init__(self, embed_dims: int, num_heads: int, ffn_channels: int, dropout: float) -> None:
        super().__init__(**detr_layer_cfg(embed_dims, num_heads, ffn_channels, dropout))

    def forward(self, query: Tensor, memory: Tensor, query_pos: Tensor, memory_pos: Tensor) -> tuple[Tensor, Tensor]:
        """Let ``query`` (B, Q, C) look at ``memory`` (B, K, C).

        Args:
            query_pos: (B, Q, C), added to queries (and keys of the self-attention).
            memory_pos: Broadcasts to (B, K, C), added to the keys of the cross-attention.

        Returns:
            States (B, Q, C), and the attention weights (B, Q, K) averaged over the heads. In training the weights have
            gone through dropout.
        """
        query = self.self_attn(query, query, query, query_pos=query_pos, key_pos=query_pos)
        query = self.norms[0](query)
        attended, weights = self.cross_attn.attn(
            (query + query_pos).transpose(0, 1), (memory + memory_pos).transpose(0, 1), memory.transpose(0, 1)
        )
        query = self.norms[1](query + attended.transpose(0, 1))
        return self.norms[2](self.ffn(query)), weights
