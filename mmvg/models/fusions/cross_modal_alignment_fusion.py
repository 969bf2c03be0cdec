"""Align global context of image and text after every stage (CAM of MagNet)."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmdet.models.utils.vlfuse_helper import BiMultiHeadAttention
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.models.backbones.staged_encoder import StageOutput
from mmvg.models.fusions.pixel_word_attention import PixelWordAttention, TanhGate
from mmvg.registry import MODELS


@MODELS.register_module()
class CrossModalAlignmentFusion(BaseModule):
    """Align image and text after every stage, at several scales: CAM of MagNet (arXiv:2312.12198, Sec. 3.3).

    Beside LAVT's fusion of every pixel, the map is pooled to k x k cells for each scale k; cells and words attend to
    each other in both directions (GLIP's attention, Eq. 7), and what the cells gathered is brought back to every pixel
    and mixed (Eqs. 8 and 9). Gates let the result into the next stage of both encoders (Eqs. 10 and 11); as in LAVT
    they multiply, which the paper's text says and its equations leave out.

    Args:
        image_channels: C_i of every stage, multiples of 4.
        text_channels: C_l.
        scales: Sides k of the pooled maps. Without any, only LAVT's fusion and the mixing are left, and the text stays
            as it is (Table 3(e), row None, is LAVT itself: :class:`PixelWordFusion`).
        head_channels: Channels per head of the attention between cells and words, whose width is C_i / 4.
        update_last_text: Whether the last stage updates the text too. Only a loss on the text needs it; without one its
            weights would get no gradient.

    Raises:
        ValueError: If some ``image_channels`` is no multiple of 4.

    Examples:
        >>> import torch
        >>> from mmvg.models.fusions import CrossModalAlignmentFusion
        >>> fusion = CrossModalAlignmentFusion(image_channels=(8, 16), text_channels=6)
        >>> tokens, text, text_mask = torch.randn(2, 64, 8), torch.randn(2, 5, 6), torch.ones(2, 5).bool()
        >>> output = fusion(0, [tokens], (8, 8), text, text_mask, None)
        >>> output.feature.shape, output.text.shape
        (torch.Size([2, 8, 8, 8]), torch.Size([2, 5, 6]))
    """

    def __init__(
        self,
        image_channels: Sequence[int],
        text_channels: int,
        scales: Sequence[int] = (1, 2, 3, 6),
        head_channels: int = 32,
        update_last_text: bool = True,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        check_quarters('CrossModalAlignmentFusion', image_channels)
        last = len(image_channels) - 1
        self.stages = nn.ModuleList(
            _AlignmentStage(
                channels,
                text_channels,
                scales,
                head_channels,
                update_text=bool(scales) and (stage < last or update_last_text),
                update_image=stage < last,
            )
            for stage, channels in enumerate(image_channels)
        )

    def forward(
        self, stage: int, blocks: list[Tensor], size: tuple[int, int], text: Tensor, text_mask: Tensor, state: Any
    ) -> StageOutput:
        """Align the last of ``blocks`` (B, h*w, C) with ``text`` (B, L, C_l); see :class:`StagedEncoder`."""
        return self.stages[stage](blocks[-1], size, text, text_mask)


def check_quarters(name: str, image_channels: Sequence[int]) -> None:
    """Check that every width can be divided by 4.

    Raises:
        ValueError: If one cannot.
    """
    bad = [channels for channels in image_channels if channels % 4]
    if bad:
        raise ValueError(f'{name}: image_channels must be multiples of 4, but has {bad}')


def project_cells(channels: int, eps: float = 1e-5) -> nn.Sequential:
    """Return the layers that bring pooled cells from C to C / 4 channels (Eq. 6); their LayerNorm adds ``eps``."""
    return nn.Sequential(
        nn.Linear(channels, 4 * channels, bias=False),
        nn.LayerNorm(4 * channels, eps=eps),
        nn.Linear(4 * channels, channels, bias=False),
        nn.GELU(),
        nn.Linear(channels, channels // 4, bias=False),
    )


def mix_scales(channels: int, num_scales: int) -> nn.Sequential:
    """Return the layers that mix what C pixels and C / 4 cells of every scale gathered into C channels (Eq. 9)."""
    return nn.Sequential(
        nn.Linear(channels + num_scales * (channels // 4), channels),
        nn.LayerNorm(channels),
        nn.Linear(channels, channels),
        nn.GELU(),
    )


class _AlignmentStage(nn.Module):
    """Align image and text after one stage."""

    def __init__(
        self,
        channels: int,
        text_channels: int,
        scales: Sequence[int],
        head_channels: int,
        update_text: bool,
        update_image: bool,
    ) -> None:
        super().__init__()
        self.full = PixelWordAttention(channels, text_channels, norm='layer')
        self.pyramid = nn.ModuleList(_PooledAttention(channels, text_channels, k, head_channels) for k in scales)
        self.mix = mix_scales(channels, len(scales))
        self.image_gate = TanhGate(channels, 'gelu', closed=True) if update_image else None
        self.text_mix = self.text_gate = None
        if update_text:
            self.text_mix = nn.Sequential(
                nn.Linear(len(scales) * text_channels, text_channels),
                nn.GELU(),
                nn.Linear(text_channels, text_channels),
            )
            self.text_gate = TanhGate(text_channels, 'gelu', closed=True)
        else:
            for branch in self.pyramid:
                branch.read_image_only()

    def forward(self, tokens: Tensor, size: tuple[int, int], text: Tensor, text_mask: Tensor) -> StageOutput:
        grid = tokens.transpose(1, 2).unflatten(2, tuple(size))  # (B, M, C) -> (B, C, h, w)
        to_pixels, to_words = [], []
        for branch in self.pyramid:
            pixels, words = branch(grid, text, text_mask)
            to_pixels.append(pixels)
            to_words.append(words)
        mixed = self.mix(torch.cat([*to_pixels, self.full(tokens, text, text_mask)], dim=-1))
        if self.image_gate is not None:
            tokens = tokens + self.image_gate(mixed)
        if self.text_gate is not None:
            words = self.text_mix(torch.cat(to_words, dim=-1)) * text_mask[..., None]
            text = text + self.text_gate(words)
        return StageOutput(tokens=tokens, feature=mixed.transpose(1, 2).unflatten(2, tuple(size)), text=text)


class _PooledAttention(nn.Module):
    """Let k x k cells and the words attend to each other: one scale of the pyramid (Eqs. 6 and 7)."""

    def __init__(self, channels: int, text_channels: int, scale: int, head_channels: int) -> None:
        super().__init__()
        width = channels // 4
        self.scale = scale
        self.project = project_cells(channels)
        self.attention = BiMultiHeadAttention(
            v_dim=width,
            l_dim=text_channels,
            embed_dim=width,
            num_heads=max(1, width // head_channels),
            dropout=0.0,
        )

    def read_image_only(self) -> None:
        """Remove what only the text would need."""
        self.attention.values_v_proj = _NoValues(self.attention.embed_dim)
        self.attention.out_l_proj = nn.Identity()

    def forward(self, grid: Tensor, text: Tensor, text_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return what every pixel (B, h*w, C/4) and every word (B, L, C_l) gathered from ``grid`` (B, C, h, w)."""
        cells = F.adaptive_avg_pool2d(grid, self.scale).flatten(2).transpose(1, 2)  # (B, k*k, C)
        # as numbers, for a bool mask is passed over without a word
        cells, words = self.attention(self.project(cells), text, attention_mask_l=text_mask.long())
        cells = cells.transpose(1, 2).unflatten(2, (self.scale, self.scale))  # (B, C/4, k, k)
        pixels = F.interpolate(cells, size=grid.shape[-2:], mode='bilinear', align_corners=True)
        return pixels.flatten(2).transpose(1, 2), words


class _NoValues(nn.Module):
    """Return zeros in place of attention values that nobody reads."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        return x.new_zeros(*x.shape[:-1], self.channels)
