"""Fuse pixels and pooled cells with words after every stage, as the released code of MagNet does."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.models.backbones.staged_encoder import StageOutput
from mmvg.models.fusions.cross_modal_alignment_fusion import check_quarters, mix_scales, project_cells
from mmvg.models.fusions.pixel_word_attention import PixelWordAttention, TanhGate
from mmvg.registry import MODELS


@MODELS.register_module()
class PyramidWordFusion(BaseModule):
    """Let pixels and pooled cells gather words: the alignment module as it stands in the released code of MagNet.

    The paper (arXiv:2312.12198, Sec. 3.3) and :class:`CrossModalAlignmentFusion` let cells and words attend to each
    other. Here cells only gather words, by LAVT's attention; only what the pixels gathered goes on into the next stage;
    and the text stays as its encoder left it. The released weights were trained so.

    Args:
        image_channels: C_i of every stage, multiples of 4.
        text_channels: C_l.
        scales: Sides k of the pooled maps.

    Raises:
        ValueError: If some ``image_channels`` is no multiple of 4.

    Examples:
        >>> import torch
        >>> from mmvg.models.fusions import PyramidWordFusion
        >>> fusion = PyramidWordFusion(image_channels=(8, 16), text_channels=6)
        >>> tokens, text, text_mask = torch.randn(2, 64, 8), torch.randn(2, 5, 6), torch.ones(2, 5).bool()
        >>> output = fusion(0, [tokens], (8, 8), text, text_mask, None)
        >>> output.feature.shape, output.text is text
        (torch.Size([2, 8, 8, 8]), True)
    """

    def __init__(
        self,
        image_channels: Sequence[int],
        text_channels: int,
        scales: Sequence[int] = (1, 2, 3, 6),
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        check_quarters('PyramidWordFusion', image_channels)
        last = len(image_channels) - 1
        self.stages = nn.ModuleList(
            _PyramidStage(channels, text_channels, scales, update_image=stage < last)
            for stage, channels in enumerate(image_channels)
        )

    def forward(
        self, stage: int, blocks: list[Tensor], size: tuple[int, int], text: Tensor, text_mask: Tensor, state: Any
    ) -> StageOutput:
        """Fuse the last of ``blocks`` (B, h*w, C) with ``text`` (B, L, C_l); see :class:`StagedEncoder`."""
        return self.stages[stage](blocks[-1], size, text, text_mask)


class _PyramidStage(nn.Module):
    """Fuse image and text after one stage."""

    def __init__(self, channels: int, text_channels: int, scales: Sequence[int], update_image: bool) -> None:
        super().__init__()
        self.full = PixelWordAttention(channels, text_channels, norm='layer')
        self.pyramid = nn.ModuleList(_PooledWords(channels, text_channels, scale) for scale in scales)
        self.mix = mix_scales(channels, len(scales))
        self.image_gate = TanhGate(channels, 'gelu', closed=True) if update_image else None

    def forward(self, tokens: Tensor, size: tuple[int, int], text: Tensor, text_mask: Tensor) -> StageOutput:
        grid = tokens.transpose(1, 2).unflatten(2, tuple(size))  # (B, M, C) -> (B, C, h, w)
        full = self.full(tokens, text, text_mask)
        mixed = self.mix(torch.cat([*(branch(grid, text, text_mask) for branch in self.pyramid), full], dim=-1))
        if self.image_gate is not None:
            tokens = tokens + self.image_gate(full)
        return StageOutput(tokens=tokens, feature=mixed.transpose(1, 2).unflatten(2, tuple(size)), text=text)


class _PooledWords(nn.Module):
    """Let k x k cells gather words, and bring what they gathered back to every pixel."""

    def __init__(self, channels: int, text_channels: int, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.project = project_cells(channels, eps=1e-6)
        self.attention = PixelWordAttention(channels // 4, text_channels, norm='layer')

    def forward(self, grid: Tensor, text: Tensor, text_mask: Tensor) -> Tensor:
        """Return what every pixel (B, h*w, C/4) of ``grid`` (B, C, h, w) is given."""
        cells = F.adaptive_avg_pool2d(grid, self.scale).flatten(2).transpose(1, 2)  # (B, k*k, C)
        cells = self.attention(self.project(cells), text, text_mask)
        cells = cells.transpose(1, 2).unflatten(2, (self.scale, self.scale))  # (B, C/4, k, k)
        pixels = F.interpolate(cells, size=grid.shape[-2:], mode='bilinear', align_corners=True)
        return pixels.flatten(2).transpose(1, 2)
