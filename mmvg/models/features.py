"""What passes between the parts of a grounder."""

from dataclasses import dataclass, replace
from typing import Any

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
        query_states: States (D, B, Q, C) after each of the D layers of a query decoder.
        points: One prior point per query (B, Q, 2), x and y in fractions of the input.
        references: One reference point per query (B, Q, 2) that box offsets start from, in fractions of the input.
        attention: Probability map (B, h, w) of where the expression looks.
        pixels: One map (B, C, h, w) that masks are read from.
        input_ids: The tokens (B, L) themselves.
        unfused: The coarsest image map (B, C, h, w) of the encoder, before its last fusion with the text if that can be
            told apart.
        backbone: The encoder all this comes from, for heads that let it read another text. Not a tensor.
    """

    images: list[Tensor]
    text: Tensor | None = None
    text_mask: Tensor | None = None
    sentence: Tensor | None = None
    queries: Tensor | None = None
    query_states: Tensor | None = None
    points: Tensor | None = None
    references: Tensor | None = None
    attention: Tensor | None = None
    pixels: Tensor | None = None
    input_ids: Tensor | None = None
    unfused: Tensor | None = None
    backbone: Any = None

    def replace(self, **changes) -> 'GroundingFeatures':
        """Return a copy with some fields changed; an unknown field is a ``TypeError``."""
        return replace(self, **changes)
