"""An image encoder and a text encoder that meet after every stage."""

from dataclasses import dataclass
from typing import Any

from mmengine.model import BaseModule
from torch import Tensor

from mmvg.models.features import GroundingFeatures
from mmvg.models.layers.region_anchoring import fuse_layers
from mmvg.registry import MODELS


@dataclass
class StageOutput:
    """What the fusion after one stage gives.

    Args:
        tokens: (B, h*w, C) that the next stage starts from.
        feature: Map (B, C, h, w) of this stage for the decoder.
        text: Token features (B, L, C_l) that the next stage starts from.
        state: Whatever the fusion wants to see again after the next stage.
    """

    tokens: Tensor
    feature: Tensor
    text: Tensor
    state: Any = None


@MODELS.register_module()
class StagedEncoder(BaseModule):
    """Image and text encoder with a fusion after every image stage, as in LAVT (arXiv:2112.02244), MagNet and RaAM-RVG.

    Args:
        image: Image stages, such as :class:`SwinStages`: ``channels`` per stage, ``embed``, ``run_stage``, ``merge``.
        text: Text encoder, such as :class:`BertTextEncoder`: ``embed_dims``, ``num_layers``, ``token_table``,
            ``embed`` and ``run``.
        fusion: One module for all stages, called as ``fusion(stage, blocks, size, text, text_mask, state)``. ``blocks``
            are the outputs (B, h*w, C) of all blocks of the stage, the last one last; ``size`` is (h, w); ``text`` is
            (B, L, C_l); ``state`` is None after the first stage, and then what the call before returned. It returns a
            :class:`StageOutput`.
        staged_text: Whether each stage runs its share of the text layers, on the text that the fusion returned, as in
            MagNet; otherwise the text is encoded once, before the first stage.
        layer_fusion: Whether the map of a stage is averaged with those of its blocks, as in RaAM-RVG (eq. 9).

    Raises:
        ValueError: If ``staged_text`` is set and the text layers cannot be shared out equally.
    """

    def __init__(
        self,
        image: dict,
        text: dict,
        fusion: dict,
        staged_text: bool = False,
        layer_fusion: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.image = MODELS.build(image)
        self.text = MODELS.build(text)
        self.fusion = MODELS.build(fusion)
        self.num_stages = len(self.image.channels)
        if staged_text and self.text.num_layers % self.num_stages:
            raise ValueError(
                f'staged_text: {self.text.num_layers} text layers cannot be shared out to {self.num_stages} stages'
            )
        self.staged_text = staged_text
        self.layer_fusion = layer_fusion

    @property
    def token_table(self) -> Tensor:
        """Embeddings (V, C_l) of the vocabulary."""
        return self.text.token_table

    def encode_text(self, input_ids: Tensor, text_mask: Tensor, token_embeddings: Tensor | None = None) -> Tensor:
        """Encode a text alone: (B, L, C_l) from ``input_ids`` (B, L), or from ``token_embeddings`` (B, L, C_l)."""
        return self.text.run(self.text.embed(input_ids, token_embeddings), text_mask)

    def forward(self, images: Tensor, input_ids: Tensor, text_mask: Tensor) -> GroundingFeatures:
        """Encode ``images`` (B, 3, H, W) with ``input_ids`` (B, L); ``text_mask`` (B, L) is True for a real token.

        Returns:
            One map per stage, finest first; the text (B, L, C_l) after the last fusion, its mask, and its first token
            as the sentence; ``unfused``, the map of the last stage before its fusion; and ``anchors``, the state that
            the last fusion returned.
        """
        text_mask = text_mask.bool()
        text = self.text.embed(input_ids)
        layers = self.text.num_layers // self.num_stages
        if not self.staged_text:
            text = self.text.run(text, text_mask)
        tokens, size = self.image.embed(images)
        maps, state = [], None
        for stage in range(self.num_stages):
            blocks = self.image.run_stage(stage, tokens, size)
            if self.staged_text:
                text = self.text.run(text, text_mask, layers * stage, layers * (stage + 1))
            output = self.fusion(stage, blocks, size, text, text_mask, state)
            feature = output.feature
            if self.layer_fusion:
                feature = fuse_layers(feature, [_as_map(block, size) for block in blocks])
            maps.append(feature)
            text, state = output.text, output.state
            if stage < self.num_stages - 1:
                tokens, size = self.image.merge(stage, output.tokens, size)
        return GroundingFeatures(
            images=maps,
            text=text,
            text_mask=text_mask,
            sentence=text[:, 0],
            anchors=state,
            unfused=_as_map(blocks[-1], size),
        )


def _as_map(tokens: Tensor, size: tuple[int, int]) -> Tensor:
    """Tokens (B, h*w, C), row-major, as a map (B, C, h, w)."""
    return tokens.transpose(1, 2).unflatten(2, tuple(size))
