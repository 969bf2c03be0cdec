"""An image encoder and a text encoder that meet after every stage."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mmengine.model import BaseModule
from torch import Tensor

from mmvg.models.backbones.image_backbone import ImageBackbone
from mmvg.models.backbones.image_stages import tokens_to_map
from mmvg.models.features import GroundingFeatures
from mmvg.models.layers import may_share
from mmvg.registry import MODELS


@dataclass
class StageOutput:
    """What the fusion after one stage gives.

    Args:
        tokens: (B, h*w, C) that the next stage starts from.
        feature: Map (B, C, h, w) of this stage for the decoder.
        text: Token features (B, L, C_l) that the next stage starts from.
        state: Whatever the fusion wants to see again after the next stage.

    Examples:
        >>> import torch
        >>> from mmvg.models.backbones import StageOutput
        >>> output = StageOutput(torch.zeros(2, 16, 8), torch.zeros(2, 8, 4, 4), torch.zeros(2, 5, 6))
        >>> output.state is None
        True
    """

    tokens: Tensor
    feature: Tensor
    text: Tensor
    state: Any = None


@MODELS.register_module()
class StagedEncoder(BaseModule):
    """Encode image and text with a fusion after every image stage, as in LAVT (arXiv:2112.02244), MagNet and RaAM-RVG.

    Args:
        image: An encoder in stages: :class:`SwinStages`, :class:`ViTStages`, or any other as an :class:`ImageBackbone`.
            It has ``channels`` per stage, and is called as :class:`ImageStages` are.
        text: Text encoder, :class:`BertTextEncoder` or :class:`CLIPTextEncoder`: ``embed_dims``, ``num_layers``,
            ``token_table``, ``embed``, ``run`` and ``sentence``.
        fusion: One module for all stages, called as ``fusion(stage, blocks, size, text, text_mask, state)``. ``blocks``
            are the outputs (B, h*w, C) of all blocks of the stage, the last one last; ``size`` is (h, w); ``text`` is
            (B, L, C_l); ``state`` is None after the first stage, and then what the call before returned. It returns a
            :class:`StageOutput`.
        staged_text: Whether each stage runs its share of the text layers, on the text that the fusion returned, as in
            MagNet; otherwise the text is encoded once, before the first stage.
        layer_fusion: Whether the map of a stage is averaged with those of its blocks, as in RaAM-RVG (eq. 9).

    Raises:
        ValueError: If ``staged_text`` is set and the text layers cannot be shared out equally, or ``fusion`` was given
            other widths than the encoders have.

    Examples:
        >>> import torch
        >>> from mmvg.models import fusions
        >>> from mmvg.models.backbones import StagedEncoder
        >>> encoder = StagedEncoder(
        ...     image=dict(type='SwinStages', embed_dims=8, depths=(1, 1), num_heads=(1, 2), window_size=2),
        ...     text=dict(type='BertTextEncoder', embed_dims=6, num_layers=1, num_heads=2, vocab_size=10),
        ...     fusion=dict(type='PixelWordFusion', image_channels=(8, 16), text_channels=6),
        ... )
        >>> ids = torch.randint(5, 9, (2, 4))
        >>> features = encoder(torch.randn(2, 3, 32, 32), ids, torch.ones(2, 4).bool())
        >>> [tuple(x.shape) for x in features.images], tuple(features.text.shape)
        ([(2, 8, 8, 8), (2, 16, 4, 4)], (2, 4, 6))
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
        if isinstance(self.image, ImageBackbone):
            self.image.split()
        self.text = MODELS.build(text)
        _check_widths(fusion, image_channels=self.image.channels, text_channels=self.text.embed_dims)
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

    #: An encoder that sets this is given ``image_index``.
    shares_images = True

    def forward(
        self, images: Tensor, input_ids: Tensor, text_mask: Tensor, image_index: Tensor | None = None
    ) -> GroundingFeatures:
        """Encode ``images`` (B, 3, H, W) with ``input_ids`` (B, L); ``text_mask`` (B, L) is True for a real token.

        With ``image_index`` (B,) there are U ``images``, and it says which of them each text is about. They go through
        the first stage once each, unless BatchNorm learns there; the stages after it have seen the text.

        Returns:
            One map per stage, finest first; the text (B, L, C_l) after the last fusion, its mask and its
            sentence; ``unfused``, the map of the last stage before its fusion; and ``anchors``, the state that the last
            fusion returned.
        """
        text_mask = text_mask.bool()
        text = self.text.embed(input_ids)
        layers = self.text.num_layers // self.num_stages
        if not self.staged_text:
            text = self.text.run(text, text_mask)
        maps, unfused, state = [], None, None
        if image_index is not None and not may_share(self.image):
            images, image_index = images[image_index], None

        def after_stage(stage: int, blocks: list[Tensor], size: tuple[int, int]) -> Tensor:
            nonlocal text, unfused, state
            if stage == 0 and image_index is not None:
                blocks = [block[image_index] for block in blocks]
            if self.staged_text:
                text = self.text.run(text, text_mask, layers * stage, layers * (stage + 1))
            output = self.fusion(stage, blocks, size, text, text_mask, state)
            feature = output.feature
            if self.layer_fusion:
                feature = fuse_layers(feature, [tokens_to_map(block, size) for block in blocks])
            maps.append(feature)
            text, state = output.text, output.state
            unfused = tokens_to_map(blocks[-1], size)
            return output.tokens

        self.image(images, after_stage)
        return GroundingFeatures(
            images=maps,
            text=text,
            text_mask=text_mask,
            sentence=self.text.sentence(text, text_mask),
            anchors=state,
            unfused=unfused,
        )


def _check_widths(fusion: dict, **widths) -> None:
    """Compare the widths that a fusion is given with those that the encoders have."""
    for key, width in widths.items():
        given = fusion.get(key, width)
        if (tuple(given) if isinstance(width, tuple) else given) != width:
            raise ValueError(f'StagedEncoder: fusion.{key} is {given}, but the encoder has {width}')


def fuse_layers(fused: Tensor, layers: Sequence[Tensor]) -> Tensor:
    """Hierarchical layer fusion (RaAM, eq. 9): half the fused feature, half the mean of what the layers gave.

    Args:
        fused: F_i, of any shape.
        layers: V_{i,1} to V_{i,Q} of the same shape; the last one is the F_i^1 that was fused.
    """
    return (fused + sum(layers) / len(layers)) / 2
