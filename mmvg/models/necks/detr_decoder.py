"""DETR's query decoder."""

import torch
from mmdet.models.layers import DetrTransformerDecoder, SinePositionalEncoding
from mmengine.model import BaseModule
from torch import nn

from mmvg.models.features import GroundingFeatures
from mmvg.models.layers import detr_layer_cfg
from mmvg.registry import MODELS


@MODELS.register_module()
class DETRDecoder(BaseModule):
    """Let queries attend to all cells of one map (DETR, arXiv:2005.12872).

    This is the baseline of InstanceVG's Tables 7, 9 and 17.

    It reads the last map; put before the pyramid, that is the projected map at stride 16. There are no reference
    points; boxes come from the states alone.

    Args:
        embed_dims: Channels C of queries and map, a multiple of 4.
        num_layers: Number D of layers.
        num_heads: Heads of both attentions.
        ffn_channels: Hidden channels of the FFN.
        dropout: Dropout on the attention weights and inside the FFN.

    Raises:
        ValueError: If ``embed_dims`` is no multiple of 4.

    Examples:
        >>> import torch
        >>> from mmvg.models import GroundingFeatures
        >>> from mmvg.models.necks import DETRDecoder
        >>> decoder = DETRDecoder(embed_dims=8, num_layers=2, num_heads=2, ffn_channels=16)
        >>> features = GroundingFeatures(images=[torch.randn(2, 8, 4, 4)], queries=torch.randn(2, 5, 8))
        >>> decoder(features).query_states.shape
        torch.Size([2, 2, 5, 8])
    """

    def __init__(
        self,
        embed_dims: int = 256,
        num_layers: int = 3,
        num_heads: int = 8,
        ffn_channels: int = 1024,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if embed_dims % 4:
            raise ValueError(f'the sine position needs embed_dims to be a multiple of 4, not {embed_dims}')
        self.image_position = SinePositionalEncoding(embed_dims // 2, normalize=True)
        self.decoder = DetrTransformerDecoder(num_layers, detr_layer_cfg(embed_dims, num_heads, ffn_channels, dropout))
        for parameter in self.decoder.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)

    def forward(self, features: GroundingFeatures) -> GroundingFeatures:
        """Set ``query_states`` (D, B, Q, C), normalised after each layer, from ``queries`` and the last map.

        ``queries`` (B, Q, C) are the positions of queries whose content starts at zero.

        Raises:
            ValueError: If there are no queries.
        """
        if features.queries is None:
            raise ValueError("DETRDecoder reads 'queries'; add a query generator to the neck first")
        image, queries = features.images[-1], features.queries
        position = self.image_position(torch.zeros((1, *image.shape[-2:]), dtype=torch.bool, device=image.device))
        memory = image.flatten(2).transpose(1, 2)  # (B, C, h, w) -> (B, h*w, C)
        states = self.decoder(
            torch.zeros_like(queries),
            key=memory,
            value=memory,
            query_pos=queries,
            key_pos=position.flatten(2).transpose(1, 2),
            key_padding_mask=None,
        )
        return features.replace(query_states=states)
