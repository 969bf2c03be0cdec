"""What passes between the parts of a grounder."""

from dataclasses import dataclass, replace
from typing import Protocol

from torch import Tensor


@dataclass
class GroundingFeatures:
    """Hold the features of a batch of (image, expression) pairs.

    Each part of a model reads some fields and returns a copy with others changed. Backbones fill the first four fields;
    necks replace or add to them; heads read them.

    Args:
        images: Feature maps (B, C_i, h_i, w_i), finest first.
        text: Token features (B, L, C).
        text_mask: (B, L) bool, True = a real token.
        sentence: One vector (B, C) for the expression, if the encoder has one.
        queries: Instance queries (B, Q, C) before a query decoder.
        anchors: Region anchors (B, N, C), row-major over a square grid, after the last fusion of an encoder that has
            them.
        query_states: States (D, B, Q, C) after each of the D layers of a query decoder.
        points: One prior point per query (B, Q, 2), x and y in fractions of the input.
        references: One reference point per query (B, Q, 2) that box offsets start from, in fractions of the input.
        attention: Probability map (B, h, w) of where the expression attends.
        pixels: One map (B, C, h, w) that masks are read from.
        input_ids: The tokens (B, L) themselves.
        kept: (B, h, w) bool, the cells of the last map that token elimination has left; the others hold zeros. None if
            nothing eliminates.
        unfused: The coarsest image map (B, C, h, w) of the encoder, before its last fusion with the text if that can be
            told apart.
        pictures: The input (B, 3, H, W) itself, normalised; for auxiliary heads that set ``needs_pictures``.

    Examples:
        >>> import torch
        >>> from mmvg.models import GroundingFeatures
        >>> features = GroundingFeatures(images=[torch.zeros(2, 8, 4, 4)])
        >>> features.replace(pixels=features.images[0]).pixels.shape
        torch.Size([2, 8, 4, 4])
    """

    images: list[Tensor]
    text: Tensor | None = None
    text_mask: Tensor | None = None
    sentence: Tensor | None = None
    queries: Tensor | None = None
    anchors: Tensor | None = None
    query_states: Tensor | None = None
    points: Tensor | None = None
    references: Tensor | None = None
    attention: Tensor | None = None
    pixels: Tensor | None = None
    input_ids: Tensor | None = None
    kept: Tensor | None = None
    unfused: Tensor | None = None
    pictures: Tensor | None = None

    def replace(self, **changes) -> 'GroundingFeatures':
        """Return a copy with some fields changed; an unknown field is a ``TypeError``."""
        return replace(self, **changes)


class TextEncoder(Protocol):
    """What a backbone offers to heads that set ``needs_encoder``: it reads another text, without any image.

    Examples:
        >>> import torch
        >>> from mmvg.models.backbones import BEiT3
        >>> encoder = BEiT3(img_size=32, patch_size=16, embed_dims=8, num_layers=1, num_heads=2, vocab_size=10)
        >>> ids, text_mask = torch.tensor([[2, 5, 3]]), torch.ones(1, 3).bool()
        >>> encoder.encode_text(ids, text_mask).shape, encoder.token_table.shape
        (torch.Size([1, 3, 8]), torch.Size([10, 8]))
    """

    token_table: Tensor
    """Embeddings (V, C) of the vocabulary."""

    def encode_text(self, input_ids: Tensor, text_mask: Tensor, token_embeddings: Tensor | None = None) -> Tensor:
        """Encode a text (B, L, C) from ``input_ids`` (B, L), or from ``token_embeddings`` (B, L, C)."""
