"""Mask2Former's pixel decoder."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmdet.models.layers import MSDeformAttnPixelDecoder
from mmengine.config import ConfigDict
from mmengine.model import BaseModule
from torch import Tensor, autocast, nn

from mmvg.models.backbones.image_stages import map_to_tokens, tokens_to_map
from mmvg.models.features import GroundingFeatures
from mmvg.models.layers import LN2d, attend_among_cells, cell_centers_norm
from mmvg.registry import MODELS


@MODELS.register_module()
class DeformablePixelDecoder(BaseModule):
    """Run multi-scale deformable attention over the maps of all stages (Mask2Former, arXiv:2112.01527; MagNet's code).

    It runs in float32 whatever the precision of the rest.

    Args:
        in_channels: Channels of the maps, finest first.
        strides: Strides of the maps.
        channels: Width C, a multiple of 32 and of ``num_heads``.
        num_levels: How many of the maps, from the coarsest, the attention runs over; the others join afterwards as in a
            feature pyramid.
        num_layers: Layers of attention.
        num_heads: Heads of the attention.
        num_points: Points sampled per head and level.
        ffn_channels: Hidden channels of the FFNs.
        norm_groups: Groups of the GroupNorm behind the projections.
        input_norm: Whether the maps go through a LayerNorm first, as ReLA's do (arXiv:2306.00968).

    Examples:
        >>> import torch
        >>> from mmvg.models import GroundingFeatures
        >>> from mmvg.models.necks import DeformablePixelDecoder
        >>> neck = DeformablePixelDecoder((4, 8), strides=(4, 8), channels=32, num_levels=1, num_layers=1)
        >>> maps = [torch.randn(2, 4, 16, 16), torch.randn(2, 8, 8, 8)]
        >>> features = neck(GroundingFeatures(images=maps))
        >>> features.pixels.shape, [tuple(x.shape) for x in features.images]
        (torch.Size([2, 32, 16, 16]), [(2, 32, 8, 8)])
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        strides: Sequence[int] = (4, 8, 16, 32),
        channels: int = 256,
        num_levels: int = 4,
        num_layers: int = 4,
        num_heads: int = 8,
        num_points: int = 4,
        ffn_channels: int = 1024,
        norm_groups: int = 32,
        input_norm: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.norms = nn.ModuleList(LN2d(c) if input_norm else nn.Identity() for c in in_channels)
        self.decoder = MSDeformAttnPixelDecoder(
            in_channels=list(in_channels),
            strides=list(strides),
            feat_channels=channels,
            out_channels=channels,
            num_outs=len(in_channels) - 1,
            norm_cfg=dict(type='GN', num_groups=norm_groups),
            encoder=ConfigDict(
                num_layers=num_layers,
                layer_cfg=dict(
                    self_attn_cfg=dict(
                        embed_dims=channels,
                        num_heads=num_heads,
                        num_levels=num_levels,
                        num_points=num_points,
                        dropout=0.0,
                        batch_first=True,
                    ),
                    ffn_cfg=dict(embed_dims=channels, feedforward_channels=ffn_channels, num_fcs=2, ffn_drop=0.0),
                ),
            ),
            positional_encoding=dict(num_feats=channels // 2, normalize=True),
        )
        self.decoder.init_weights()

    def forward(self, features: GroundingFeatures) -> GroundingFeatures:
        """Set ``pixels`` (B, C, h, w), of the size of the finest map, and all coarser ``images``, with C channels."""
        with autocast(features.images[0].device.type, enabled=False):
            maps = [norm(x.float()) for norm, x in zip(self.norms, features.images, strict=True)]
            merged = self._attend(maps)  # coarsest first, as in the decoder
            fine = maps[: len(maps) - len(merged)][::-1]
            for x, lateral, convolve in zip(fine, self.decoder.lateral_convs, self.decoder.output_convs, strict=True):
                coarse = F.interpolate(merged[-1], size=x.shape[-2:], mode='bilinear', align_corners=False)
                merged.append(convolve(lateral(x) + coarse))
            pixels = self.decoder.mask_feature(merged[-1])
        return features.replace(pixels=pixels, images=merged[: self.decoder.num_outs][::-1])

    def _attend(self, maps: list[Tensor]) -> list[Tensor]:
        """Run the layers of attention over the coarsest of ``maps``; returns them (B, C, h_i, w_i), coarsest first.

        The layers are mmdet's; its ``forward`` asks the device for the sizes of the maps.
        """
        decoder = self.decoder
        projected = [project(x) for project, x in zip(decoder.input_convs, maps[::-1], strict=False)]
        sizes = [tuple(x.shape[-2:]) for x in projected]
        positions = [
            decoder.postional_encoding(None, x[:1]).flatten(2).transpose(1, 2) + of_level
            for x, of_level in zip(projected, decoder.level_encoding.weight, strict=True)
        ]
        references = torch.cat([cell_centers_norm(torch.arange(h * w, device=maps[0].device), h, w) for h, w in sizes])
        cells, position = torch.cat([map_to_tokens(x) for x in projected], dim=1), torch.cat(positions, dim=1)
        for layer in decoder.encoder.layers:
            seen = attend_among_cells(layer.self_attn, cells, position, references, sizes)
            cells = layer.norms[1](layer.ffn(layer.norms[0](cells + seen)))
        parts = cells.split([h * w for h, w in sizes], dim=1)
        return [tokens_to_map(x, size) for x, size in zip(parts, sizes, strict=True)]
