"""Attention layers built on mmdet's."""

from mmdet.models.layers import DetrTransformerDecoderLayer
from torch import Tensor


def detr_layer_cfg(embed_dims: int, num_heads: int, ffn_channels: int, dropout: float) -> dict:
    """Arguments of mmdet's DETR decoder layer with ``dropout`` on the attention weights and inside the FFN."""
    attention = dict(embed_dims=embed_dims, num_heads=num_heads, attn_drop=dropout, batch_first=True)
    return dict(
        self_attn_cfg=dict(attention, dropout_layer=None),
        cross_attn_cfg=dict(attention, dropout_layer=None),
        ffn_cfg=dict(embed_dims=embed_dims, feedforward_channels=ffn_channels, ffn_drop=dropout),
    )


class WeightedDecoderLayer(DetrTransformerDecoderLayer):
    """DETR's decoder layer (post-norm, ReLU), which also returns where it looked.

    Args:
        embed_dims: Channels C.
        num_heads: Heads of both attentions.
        ffn_channels: Hidden channels of the FFN.
        dropout: On the attention weights and inside the FFN.
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
