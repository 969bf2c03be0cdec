"""Fuse pixels with words after every stage, as in LAVT; other papers call it direct interaction."""

from collections.abc import Sequence
from typing import Any

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.models.backbones.staged_encoder import StageOutput
from mmvg.models.fusions.pixel_word_attention import PixelWordAttention, TanhGate
from mmvg.registry import MODELS


@MODELS.register_module()
class PixelWordFusion(BaseModule):
    """Run pixel-word attention and the language gate after every stage (LAVT, arXiv:2112.02244, Sec. 3.2).

    Args:
        image_channels: C_i of every stage.
        text_channels: C_l.
        norm: ``'instance'`` or ``'layer'``; see :class:`PixelWordAttention`.
        dropout: Dropout on the fused features.
        num_heads: Heads of the attention, the same after every stage or one number for each.

    Raises:
        ValueError: If there are more or fewer ``num_heads`` than stages.

    Examples:
        >>> import torch
        >>> from mmvg.models.fusions import PixelWordFusion
        >>> fusion = PixelWordFusion(image_channels=(8, 16), text_channels=6)
        >>> tokens, text, text_mask = torch.randn(2, 64, 8), torch.randn(2, 5, 6), torch.ones(2, 5).bool()
        >>> output = fusion(0, [tokens], (8, 8), text, text_mask, None)
        >>> output.feature.shape, output.tokens.shape
        (torch.Size([2, 8, 8, 8]), torch.Size([2, 64, 8]))
    """

    def __init__(
        self,
        image_channels: Sequence[int],
        text_channels: int,
        norm: str = 'instance',
        dropout: float = 0.0,
        num_heads: int | Sequence[int] = 1,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        heads = [num_heads] * len(image_channels) if isinstance(num_heads, int) else num_heads
        if len(heads) != len(image_channels):
            raise ValueError(
                f'PixelWordFusion: num_heads {num_heads} must be one for each of {len(image_channels)} stages'
            )
        self.attention = nn.ModuleList(
            PixelWordAttention(channels, text_channels, norm, dropout, of_stage)
            for channels, of_stage in zip(image_channels, heads, strict=True)
        )
        # the last stage has no next one to let anything through to
        self.gates = nn.ModuleList(TanhGate(channels) for channels in image_channels[:-1])

    def forward(
        self, stage: int, blocks: list[Tensor], size: tuple[int, int], text: Tensor, text_mask: Tensor, state: Any
    ) -> StageOutput:
        """Fuse the last of ``blocks`` (B, h*w, C) with ``text`` (B, L, C_l); see :class:`StagedEncoder`."""
        tokens = blocks[-1]
        fused = self.attention[stage](tokens, text, text_mask)
        feature = fused.transpose(1, 2).unflatten(2, tuple(size))
        if stage < len(self.gates):
            tokens = tokens + self.gates[stage](fused)
        return StageOutput(tokens=tokens, feature=feature, text=text)
