"""What passes between the parts of a grounder."""

from dataclasses import dataclass, replace
from typing import Protocol

from torch import Tensor


@dataclass
class GroundingFeatures:
    """Features of a batch of (image, expression) pairs; each part of a model reads some fields and returns a new one.

    Backbones fill the first four fields; necks replace or add to them; heads read them.

    Args:
        images: Feature maps (B, C_i, h_i, w_i), finest first.
        text: Token features (B, L, C).
        text_mask: (B, L) bool, True = a real token.
        sentence: One vector (B, C) for the expression, where the encoder has one.
        queries: Instance queries (B, Q, C) before a query decoder.
        anchors: Region anchors (B, N, C), row-major over a square grid, after the last fusion of an encoder that has
            them.
        query_states: States (D, B, Q, C) after each of the D layers of a query decoder.
        points: One prior point per query (B, Q, 2), x and y in fractions of the input.
        references: One reference point per query (B, Q, 2) that box offsets start from, in fractions of the input.
        attention: Probability map (B, h, w) of where the expression looks.
        pixels: One map (B, C, h, w) that masks are read from.
        input_ids: The tokens (B, L) themselves.
        unfused: The coarsest image map (B, C, h, w) of the encoder, before its last fusion with the text if that can be
            told apart.
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
    unfused: Tensor | None = None

    def replace(self, **changes) -> 'GroundingFeatures':
        """Return a copy with some fields changed; an unknown field is a ``TypeError``."""
        return replace(self, **changes)


class TextEncoder(Protocol):
    """What a backbone offers to heads that set ``needs_encoder``: it reads another text, without any image."""

    token_table: Tensor
    """Embeddings (V, C) of the vocabulary."""

    def encode_text(self, input_ids: Tensor, text_mask: Tensor, token_embeddings: Tensor | None = None) -> Tensor:
        """Encode a text (B, L, C) from ``input_ids`` (B, L), or from ``token_embeddings`` (B, L, C)."""
