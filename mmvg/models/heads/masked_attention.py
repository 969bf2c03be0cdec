"""What decoders with masked attention share: coarse maps as keys, and which cells of them a mask leaves out."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mmvg.models.features import GroundingFeatures


@dataclass
class CoarseMap:
    """A map as the keys of an attention.

    Args:
        keys: Its cells (B, h*w, C).
        positions: Their position codes (1, h*w, C).
        size: (h, w).

    Examples:
        >>> import torch
        >>> from mmvg.models.heads.masked_attention import CoarseMap
        >>> CoarseMap(torch.zeros(2, 12, 8), torch.zeros(1, 12, 8), size=(3, 4)).size
        (3, 4)
    """

    keys: Tensor
    positions: Tensor
    size: tuple[int, int]


def coarse_maps(
    features: GroundingFeatures, level_embedding: Tensor, position: nn.Module, reader: str
) -> list[CoarseMap]:
    """Turn the coarsest maps of ``features`` into keys, coarsest first.

    Args:
        features: With ``pixels`` and maps of the same width C.
        level_embedding: (levels, C), added to the keys.
        position: Makes position codes (1, C, h, w) of a padding mask (1, h, w).
        reader: Named in errors.

    Raises:
        ValueError: If no neck made ``pixels``, or there are too few maps.

    Examples:
        >>> import torch
        >>> from mmdet.models.layers import SinePositionalEncoding
        >>> from mmvg.models import GroundingFeatures
        >>> from mmvg.models.heads.masked_attention import coarse_maps
        >>> features = GroundingFeatures(images=[torch.zeros(2, 8, 4, 4)], pixels=torch.zeros(2, 8, 8, 8))
        >>> [one] = coarse_maps(features, torch.zeros(1, 8), SinePositionalEncoding(4, normalize=True), 'Reader')
        >>> one.keys.shape, one.positions.shape
        (torch.Size([2, 16, 8]), torch.Size([1, 16, 8]))
    """
    levels = len(level_embedding)
    if features.pixels is None or len(features.images) < levels:
        raise ValueError(f"{reader} reads 'pixels' and {levels} coarse maps; add a DeformablePixelDecoder to the neck")
    maps = []
    for x, level in zip(features.images[: -levels - 1 : -1], level_embedding, strict=True):
        size = tuple(x.shape[-2:])
        code = position(torch.zeros((1, *size), dtype=torch.bool, device=x.device))
        maps.append(CoarseMap(x.flatten(2).transpose(1, 2) + level, code.flatten(2).transpose(1, 2), size))
    return maps


@torch.no_grad()
def closed_cells(logits: Tensor, num_heads: int) -> Tensor:
    """Tell which cells lie outside a mask; none if the mask is empty.

    Args:
        logits: Of the masks of Q queries, at the cells (B, Q, h, w).
        num_heads: Of the attention.

    Returns:
        (B * heads, Q, h*w), True where a query must not look.

    Examples:
        >>> import torch
        >>> from mmvg.models.heads.masked_attention import closed_cells
        >>> closed_cells(torch.tensor([[[[-1.0, 1.0]], [[-1.0, -1.0]]]]), num_heads=1)
        tensor([[[ True, False],
                 [False, False]]])
    """
    closed = logits.sigmoid().flatten(2) < 0.5
    closed = closed & ~closed.all(-1, keepdim=True)
    return closed.repeat_interleave(num_heads, dim=0)
