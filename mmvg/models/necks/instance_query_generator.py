"""Make instance queries and their prior points from where the words attend in the image."""

import torch
from mmdet.models.layers import MLP, SinePositionalEncoding
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.checks import check_choice
from mmvg.models.features import GroundingFeatures
from mmvg.models.layers import (
    WeightedDecoderLayer,
    cell_centers_norm,
    filter_text,
    select_points,
    select_top_cells,
    without_special_tokens,
)
from mmvg.registry import MODELS


@MODELS.register_module()
class InstanceQueryGenerator(BaseModule):
    """Generate instance queries with prior points: IQG of InstanceVG (arXiv:2509.13747, Sec. 3.2.1).

    Chosen tokens attend to the image; their attention, pooled over the tokens, is a map M_s; points are chosen on it;
    and the k-th query is made of what the k-th token saw and of the image feature at the k-th point. Attention, map
    and points are computed in float32 whatever the autocast mode: in half precision all cells of M_s tie.

    If an option names two choices, the first is the authors' code and the second the paper's text.

    Args:
        in_channels: Channels C of image and text, a multiple of 4.
        num_queries: Number Q of queries (and points).
        num_heads: Heads of the attentions.
        ffn_channels: Hidden channels of the FFN.
        dropout: Dropout on the attention weights and in the FFN.
        text_filter: Let only Q chosen tokens attend (Alg. 1). Otherwise all real tokens do (Table 8, without TF), which
            excludes ``text_injected_query``, because tokens and points cannot be paired any more.
        text_filter_score: ``'mean'`` over channels or ``'l2'`` norm.
        text_filter_special: Whether the markers of begin and end count as real tokens.
        attn_pool: ``'max'`` or ``'mean'`` over the real tokens. An expression without any real token pools over all
            slots, so that M_s stays finite.
        point_selector: ``'dynamic'`` (Alg. 2), or ``'topk'`` highest cells (Table 8, without DPS).
        distance_weight: W_dist of the dynamic selector.
        normalize_dist: Measure its distances in diagonals of the grid instead of cells.
        text_injected_query: Make queries of text and image; otherwise of the image alone (Table 8, without TIQ). Then
            only M_s trains the attention, and its value path stays without gradient.

    Raises:
        ValueError: If a choice is unknown, ``in_channels`` is no multiple of 4, or unfiltered tokens are to be
            injected.

    Examples:
        >>> import torch
        >>> from mmvg.models import GroundingFeatures
        >>> from mmvg.models.necks import InstanceQueryGenerator
        >>> generator = InstanceQueryGenerator(in_channels=8, num_queries=3, num_heads=2, ffn_channels=16)
        >>> text, text_mask = torch.randn(2, 5, 8), torch.ones(2, 5).bool()
        >>> features = generator(GroundingFeatures(images=[torch.randn(2, 8, 4, 4)], text=text, text_mask=text_mask))
        >>> features.queries.shape, features.points.shape, features.attention.shape
        (torch.Size([2, 3, 8]), torch.Size([2, 3, 2]), torch.Size([2, 4, 4]))
    """

    def __init__(
        self,
        in_channels: int = 256,
        num_queries: int = 10,
        num_heads: int = 8,
        ffn_channels: int = 512,
        dropout: float = 0.1,
        text_filter: bool = True,
        text_filter_score: str = 'mean',
        text_filter_special: bool = True,
        attn_pool: str = 'max',
        point_selector: str = 'dynamic',
        distance_weight: float = 0.003,
        normalize_dist: bool = True,
        text_injected_query: bool = True,
    ) -> None:
        super().__init__()
        check_choice('InstanceQueryGenerator.text_filter_score', text_filter_score, ('mean', 'l2'))
        check_choice('InstanceQueryGenerator.attn_pool', attn_pool, ('max', 'mean'))
        check_choice('InstanceQueryGenerator.point_selector', point_selector, ('dynamic', 'topk'))
        if in_channels % 4:
            raise ValueError(f'the sine position needs in_channels to be a multiple of 4, not {in_channels}')
        if text_injected_query and not text_filter:
            raise ValueError('text_injected_query pairs filtered tokens with points: it needs text_filter=True')
        self.num_queries = num_queries
        self.text_filter = text_filter
        self.text_filter_score = text_filter_score
        self.text_filter_special = text_filter_special
        self.attn_pool = attn_pool
        self.point_selector = point_selector
        self.distance_weight = distance_weight
        self.normalize_dist = normalize_dist
        self.text_injected_query = text_injected_query
        self.image_position = SinePositionalEncoding(in_channels // 2, normalize=True)
        self.text_to_image = WeightedDecoderLayer(in_channels, num_heads, ffn_channels, dropout)
        self.post_norm = nn.LayerNorm(in_channels)
        self.mlp = MLP((2 if text_injected_query else 1) * in_channels, in_channels, in_channels, 3)

    def forward(self, features: GroundingFeatures) -> GroundingFeatures:
        """Set ``queries`` (B, Q, C), ``points`` (B, Q, 2) and ``attention`` (B, h, w) from the last map and the text.

        The attention M_s holds probabilities and has a gradient; the points, x and y in fractions of the image, have
        none.
        """
        image = features.images[-1]
        height, width = image.shape[-2:]
        with torch.autocast(image.device.type, enabled=False):
            seen, weights, token_mask = self._look(image.float(), features.text.float(), features.text_mask.bool())
            attention = self._pool(weights, token_mask).unflatten(1, (height, width))  # (B, h*w) -> (B, h, w)
            indices = self._select(attention)  # (B, Q)
            points = cell_centers_norm(indices, height, width)
        cells = indices[:, None].expand(-1, image.shape[1], -1)  # (B, C, Q)
        queries = image.flatten(2).gather(2, cells).transpose(1, 2)  # (B, Q, C)
        if self.text_injected_query:
            queries = torch.cat([seen, queries], dim=-1)  # (B, Q, 2C)
        return features.replace(queries=self.mlp(queries), points=points, attention=attention)

    def _look(self, image: Tensor, text: Tensor, text_mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return what K tokens saw (B, K, C), their attention (B, K, h*w) and which of them are real (B, K)."""
        if self.text_filter:
            tokens, mask = filter_text(
                text, text_mask, self.num_queries, self.text_filter_score, self.text_filter_special
            )
        else:
            mask = text_mask if self.text_filter_special else without_special_tokens(text_mask)
            tokens = text.masked_fill(~mask[..., None], 0)
        memory = image.flatten(2).transpose(1, 2)
        position = self.image_position(image.new_zeros((1, *image.shape[-2:]), dtype=torch.bool))
        seen, weights = self.text_to_image(
            torch.zeros_like(tokens), memory, tokens, position.flatten(2).transpose(1, 2)
        )
        return self.post_norm(seen), weights, mask

    def _pool(self, weights: Tensor, mask: Tensor) -> Tensor:
        """Pool ``weights`` (B, K, h*w) over the real tokens of ``mask`` (B, K)."""
        mask = (mask | ~mask.any(dim=1, keepdim=True))[..., None]
        if self.attn_pool == 'max':
            return weights.masked_fill(~mask, -torch.inf).amax(dim=1)
        return (weights * mask).sum(dim=1) / mask.sum(dim=1)

    def _select(self, attention: Tensor) -> Tensor:
        score_map = attention.detach().sigmoid()
        if self.point_selector == 'topk':
            return select_top_cells(score_map, self.num_queries)
        return select_points(score_map, self.num_queries, self.distance_weight, self.normalize_dist)
