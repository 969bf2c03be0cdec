"""A deformable query decoder that starts from given points."""

import torch
from mmdet.models.layers import DeformableDetrTransformerDecoderLayer
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.checks import check_choice
from mmvg.models.features import GroundingFeatures
from mmvg.models.layers import attend_to_points, detr_layer_cfg
from mmvg.registry import MODELS


@MODELS.register_module()
class PointPriorDecoder(BaseModule):
    """Decode queries by deformable attention around their points (InstanceVG, arXiv:2509.13747, Sec. 3.2.2, Eq. 4).

    This is Deformable DETR's decoder (arXiv:2010.04159) without iterative refinement: all layers sample around the same
    reference points. It runs in float32 whatever the autocast mode, because sampling locations need the precision.

    Args:
        embed_dims: Channels C of queries and maps.
        num_layers: Number D of layers.
        num_heads: Heads of both attentions.
        num_levels: Number of maps that are sampled.
        num_points: Sampling points per head and map.
        ffn_channels: Hidden channels of the FFN.
        dropout: Dropout on the self-attention weights, on the deformable attention's output and in the FFN.
        point_reference: What is sampled around: ``'learned_offset'``, the prior point plus a learned offset in (0, 1)
            (the authors' code), or ``'point'``, the prior point itself (the paper).
        offset_bias: Where that offset starts: its sigmoid, along x and y. At 0 as in the authors' code, it is half an
            image; then the boxes of points beyond the middle start beyond the border, where nothing pulls them back.

    Raises:
        ValueError: If ``point_reference`` is unknown.

    Examples:
        >>> import torch
        >>> from mmvg.models import GroundingFeatures
        >>> from mmvg.models.necks import PointPriorDecoder
        >>> decoder = PointPriorDecoder(embed_dims=8, num_layers=2, num_heads=2, num_levels=1, ffn_channels=16)
        >>> queries, points = torch.randn(2, 3, 8), torch.rand(2, 3, 2)
        >>> features = decoder(GroundingFeatures(images=[torch.randn(2, 8, 4, 4)], queries=queries, points=points))
        >>> features.query_states.shape, features.references.shape
        (torch.Size([2, 2, 3, 8]), torch.Size([2, 3, 2]))
    """

    def __init__(
        self,
        embed_dims: int = 256,
        num_layers: int = 3,
        num_heads: int = 8,
        num_levels: int = 4,
        num_points: int = 4,
        ffn_channels: int = 1024,
        dropout: float = 0.1,
        point_reference: str = 'learned_offset',
        offset_bias: float = 0.0,
    ) -> None:
        super().__init__()
        check_choice('PointPriorDecoder.point_reference', point_reference, ('learned_offset', 'point'))
        self.num_levels = num_levels
        self.offset_bias = offset_bias
        layer_cfg = detr_layer_cfg(embed_dims, num_heads, ffn_channels, dropout)
        layer_cfg['cross_attn_cfg'] = dict(
            embed_dims=embed_dims,
            num_heads=num_heads,
            num_levels=num_levels,
            num_points=num_points,
            dropout=dropout,
            batch_first=True,
        )
        self.query_position = nn.Linear(2, embed_dims)
        self.reference_offset = nn.Linear(embed_dims, 2) if point_reference == 'learned_offset' else None
        self.layers = nn.ModuleList(_PointLayer(**layer_cfg) for _ in range(num_layers))
        self._init_parameters()

    def _init_parameters(self) -> None:
        for parameter in self.layers.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)
        for layer in self.layers:
            layer.cross_attn.init_weights()
        if self.reference_offset is not None:
            nn.init.xavier_normal_(self.reference_offset.weight)
            nn.init.constant_(self.reference_offset.bias, self.offset_bias)

    def forward(self, features: GroundingFeatures) -> GroundingFeatures:
        """Set ``query_states`` (D, B, Q, C) and ``references`` (B, Q, 2) from ``queries``, ``points`` and ``images``.

        References are x and y in fractions of the image; with ``'learned_offset'`` they lie in (0, 2).

        Raises:
            ValueError: If the number of maps is not ``num_levels``, or there are no queries or points.
        """
        maps = features.images
        if features.queries is None or features.points is None:
            raise ValueError("PointPriorDecoder reads 'queries' and 'points'; add a query generator to the neck first")
        if len(maps) != self.num_levels:
            raise ValueError(f'PointPriorDecoder was built with num_levels={self.num_levels}, it got {len(maps)} maps')
        with torch.autocast(maps[0].device.type, enabled=False):
            points = features.points.float()
            query_position = self.query_position(points)
            references = points
            if self.reference_offset is not None:
                references = points + self.reference_offset(query_position).sigmoid()
            states = self._decode(features.queries.float(), query_position, references, maps)
        return features.replace(query_states=states, references=references)

    def _decode(self, state: Tensor, query_position: Tensor, references: Tensor, maps: list[Tensor]) -> Tensor:
        """Run the layers on ``state`` (B, Q, C) and return all states (D, B, Q, C)."""
        maps = [level.float() for level in maps]
        states = []
        for layer in self.layers:
            state = layer(state, query_position, references, maps)
            states.append(state)
        return torch.stack(states)


class _PointLayer(DeformableDetrTransformerDecoderLayer):
    """Deformable DETR's decoder layer, whose few queries sample the maps before they project what they saw."""

    def forward(self, query: Tensor, query_pos: Tensor, references: Tensor, maps: list[Tensor]) -> Tensor:
        query = self.norms[0](self.self_attn(query, query, query, query_pos=query_pos, key_pos=query_pos))
        query = self.norms[1](query + attend_to_points(self.cross_attn, query + query_pos, references, maps))
        return self.norms[2](self.ffn(query))
