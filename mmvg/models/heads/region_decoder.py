"""Regions that gather the image, meet the sentence and look at each other."""

import torch
import torch.nn.functional as F
from mmdet.models.layers import MLP, SinePositionalEncoding
from mmdet.models.layers.transformer import Mask2FormerTransformerDecoder
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.models.features import GroundingFeatures
from mmvg.models.heads.masked_attention import closed_cells, coarse_maps
from mmvg.models.layers import detr_layer_cfg
from mmvg.registry import MODELS


@MODELS.register_module()
class RegionDecoder(BaseModule):
    """Decode regions of an image with the sentence about it: ReLAtionship modelling of GRES (arXiv:2306.00968).

    Each layer lets every region gather the image (RIA), within the mask that it draws so far, and then the other
    regions (the first half of RLA). After the first gathering regions also read the words (the other half), once, as
    the authors' code has it. The layers are Mask2Former's (arXiv:2112.01527).

    Args:
        in_channels: Channels C of ``features.images`` and ``features.pixels``.
        text_channels: Channels of ``features.text``.
        num_regions: P*P.
        num_layers: Layers.
        num_heads: Heads of every attention.
        ffn_channels: Hidden channels of the FFNs.
        num_levels: Number of maps that regions gather from, the coarsest of ``features.images``, in turn.
        language_weight: Weight of what regions read, beside what they have seen.
        reads_padding: Whether regions also read the padding behind the sentence, as in the authors' code.

    Examples:
        >>> import torch
        >>> from mmvg.models import GroundingFeatures
        >>> from mmvg.models.heads import RegionDecoder
        >>> decoder = RegionDecoder(in_channels=8, text_channels=6, num_regions=9, num_layers=3, num_heads=2)
        >>> features = GroundingFeatures(
        ...     images=[torch.randn(2, 8, side, side) for side in (8, 4, 2)],
        ...     pixels=torch.randn(2, 8, 16, 16),
        ...     text=torch.randn(2, 5, 6),
        ...     text_mask=torch.ones(2, 5).bool(),
        ... )
        >>> regions, filters = decoder(features)
        >>> regions.shape, filters.shape
        (torch.Size([2, 9, 8]), torch.Size([2, 9, 8]))
    """

    def __init__(
        self,
        in_channels: int,
        text_channels: int,
        num_regions: int = 100,
        num_layers: int = 9,
        num_heads: int = 8,
        ffn_channels: int = 2048,
        num_levels: int = 3,
        language_weight: float = 0.1,
        reads_padding: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.num_heads = num_heads
        self.language_weight = language_weight
        self.regions = nn.Parameter(torch.randn(1, num_regions, in_channels))
        self.region_position = nn.Parameter(torch.randn(1, num_regions, in_channels))
        self.level_embedding = nn.Parameter(torch.randn(num_levels, in_channels))
        self.position = SinePositionalEncoding(in_channels // 2, normalize=True)
        self.decoder = Mask2FormerTransformerDecoder(
            num_layers, detr_layer_cfg(in_channels, num_heads, ffn_channels, dropout=0.0)
        )
        self.language = RegionLanguageAttention(in_channels, text_channels, num_heads, reads_padding)
        for parameter in (*self.decoder.parameters(), *self.language.attention.parameters()):
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)
        self.filter = MLP(in_channels, in_channels, in_channels, 3)

    def forward(self, features: GroundingFeatures) -> tuple[Tensor, Tensor]:
        """Return region features and their filters, both (B, P*P, C): a filter times the pixels is a region's mask.

        Raises:
            ValueError: If no neck made ``pixels``, or there are too few maps.
        """
        maps = coarse_maps(features, self.level_embedding, self.position, type(self).__name__)
        # masks are linear in pixels: reduced pixels give the reduced masks
        pixels = [F.interpolate(features.pixels.detach(), x.size, mode='bilinear', align_corners=False) for x in maps]
        batch = features.pixels.shape[0]
        regions, place = self.regions.expand(batch, -1, -1), self.region_position.expand(batch, -1, -1)
        for i, layer in enumerate(self.decoder.layers):
            seen = maps[i % len(maps)]
            closed = self._closed(regions, pixels[i % len(maps)])
            regions = layer.cross_attn(
                regions, seen.keys, seen.keys, query_pos=place, key_pos=seen.positions, attn_mask=closed
            )
            regions = layer.norms[0](regions)
            if i == 0:
                read = self.language(regions, features.text, features.text_mask)
                regions = regions + self.language_weight * read
            regions = layer.norms[1](layer.self_attn(regions, query_pos=place, key_pos=place))
            regions = layer.norms[2](layer.ffn(regions))
        regions = self.decoder.post_norm(regions)
        return regions, self.filter(regions)

    @torch.no_grad()
    def _closed(self, regions: Tensor, pixels: Tensor) -> Tensor:
        """Tell where each of ``regions`` (B, P*P, C) must not look, by its mask so far on ``pixels`` (B, C, h, w)."""
        filters = self.filter(self.decoder.post_norm(regions))
        return closed_cells(torch.einsum('bqc,bchw->bqhw', filters, pixels), self.num_heads)


class RegionLanguageAttention(nn.Module):
    """Let regions read words (ReLA, arXiv:2306.00968).

    Words start at zero, so that regions see the image alone at first.

    Args:
        channels: C.
        text_channels: Channels of the words.
        num_heads: Attention heads.
        reads_padding: Whether padding is read too.

    Examples:
        >>> import torch
        >>> from mmvg.models.heads.region_decoder import RegionLanguageAttention
        >>> attention = RegionLanguageAttention(channels=8, text_channels=6, num_heads=2)
        >>> attention(torch.randn(2, 9, 8), torch.randn(2, 5, 6), torch.ones(2, 5).bool()).shape
        torch.Size([2, 9, 8])
    """

    def __init__(self, channels: int, text_channels: int, num_heads: int, reads_padding: bool = False) -> None:
        super().__init__()
        self.reads_padding = reads_padding
        self.project = nn.Linear(text_channels, channels, bias=False)
        nn.init.zeros_(self.project.weight)
        self.attention = nn.MultiheadAttention(channels, num_heads, batch_first=True)
        self.norm = nn.LayerNorm(channels)
        self.gate = nn.Parameter(torch.zeros(()))

    def forward(self, regions: Tensor, text: Tensor, text_mask: Tensor) -> Tensor:
        """Return what ``regions`` (B, P*P, C) read in ``text`` (B, L, C_l), of which ``text_mask`` (B, L) is real."""
        words = self.project(text)
        padding = None if self.reads_padding else ~text_mask.bool()
        read, _ = self.attention(regions, words, words, key_padding_mask=padding, need_weights=False)
        return self.norm(regions + read) * self.gate.sigmoid()
