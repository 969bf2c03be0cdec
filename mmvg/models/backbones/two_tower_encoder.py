"""An image encoder and a text encoder that do not see each other."""

from mmengine.model import BaseModule
from torch import Tensor

from mmvg.models.features import GroundingFeatures
from mmvg.models.layers import encode_once
from mmvg.registry import MODELS


@MODELS.register_module()
class TwoTowerEncoder(BaseModule):
    """Any image encoder beside any text encoder, for models whose necks bring the two together, such as CRIS.

    An image that several expressions of a batch ask about is encoded once, unless BatchNorm learns from it.

    Example:
        >>> import torch
        >>> from mmvg.models.backbones import TwoTowerEncoder
        >>> encoder = TwoTowerEncoder(
        ...     image=dict(type='ImageBackbone', backbone=dict(type='timm', model_name='resnet18', out_indices=(2, 3))),
        ...     text=dict(type='BertTextEncoder', embed_dims=16, num_layers=1, num_heads=2, vocab_size=50),
        ... )
        >>> features = encoder(torch.zeros(2, 3, 64, 64), torch.ones(2, 5, dtype=torch.long), torch.ones(2, 5))
        >>> [tuple(x.shape) for x in features.images], tuple(features.text.shape), tuple(features.sentence.shape)
        ([(2, 128, 8, 8), (2, 256, 4, 4)], (2, 5, 16), (2, 16))

    Args:
        image: An :class:`ImageBackbone`, or :class:`SwinStages` or :class:`ViTStages`.
        text: A :class:`BertTextEncoder` or :class:`CLIPTextEncoder`.
    """

    def __init__(self, image: dict, text: dict, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg=init_cfg)
        self.image = MODELS.build(image)
        self.text = MODELS.build(text)

    @property
    def token_table(self) -> Tensor:
        """Embeddings (V, C_l) of the vocabulary."""
        return self.text.token_table

    def encode_text(self, input_ids: Tensor, text_mask: Tensor, token_embeddings: Tensor | None = None) -> Tensor:
        """Encode a text alone: (B, L, C_l) from ``input_ids`` (B, L), or from ``token_embeddings`` (B, L, C_l)."""
        return self.text(input_ids, text_mask, token_embeddings)

    def encode_images(self, images: Tensor) -> list[Tensor]:
        """Encode ``images`` (U, 3, H, W) alone; returns the maps (U, C_i, h_i, w_i), finest first."""
        return self.image(images)

    def encode_sentence(self, input_ids: Tensor, text_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Encode ``input_ids`` (B, L) alone; returns tokens (B, L, C_l) and the sentence (B, C_l)."""
        text = self.text(input_ids, text_mask)
        return text, self.text.sentence(text, text_mask)

    #: An encoder that sets this is given ``image_index``.
    shares_images = True

    def forward(
        self, images: Tensor, input_ids: Tensor, text_mask: Tensor, image_index: Tensor | None = None
    ) -> GroundingFeatures:
        """Encode ``images`` (B, 3, H, W) and ``input_ids`` (B, L); ``text_mask`` (B, L) is True for a real token.

        With ``image_index`` (B,) there are U ``images``, and it says which of them each text is about.

        Returns:
            The maps of the image encoder, finest first; the text (B, L, C_l), its mask, and its sentence.
        """
        text_mask = text_mask.bool()
        maps = encode_once(self.encode_images, images, image_index, self.image)
        text, sentence = self.encode_sentence(input_ids, text_mask)
        return GroundingFeatures(images=maps, text=text, text_mask=text_mask, sentence=sentence)
