"""Multi-scale deformable attention (arXiv:2010.04159) with the weights of mmcv's module, for few and for many queries.

mmcv's own ``forward`` projects every cell of every map, however few are looked at, and asks the device how large the
maps are. Here sizes are numbers of the host.
"""

import math
from collections.abc import Sequence

import mmcv.ops.multi_scale_deform_attn as mmcv_deformable
import torch
import torch.nn.functional as F
from mmcv.ops import MultiScaleDeformableAttention, get_compiling_cuda_version
from torch import Tensor

from mmvg.models.layers.transfer import send

_IM2COL_STEP = 64
if get_compiling_cuda_version() == 'not available':
    # this mmcv has no CUDA ops, yet would call one for a tensor on a GPU: let it take its PyTorch path there too
    mmcv_deformable.IS_CUDA_AVAILABLE = False


def attend_to_points(
    attention: MultiScaleDeformableAttention, query: Tensor, references: Tensor, maps: Sequence[Tensor]
) -> Tensor:
    """Let few queries look at maps: sample first, project after, which is the same since both are linear.

    Args:
        attention: Holds the weights, of ``num_levels`` maps and H heads.
        query: (B, Q, C), with its position.
        references: (B, Q, 2), x and y in fractions of the image.
        maps: (B, C, h_i, w_i) each.

    Returns:
        (B, Q, C), after the dropout and without the shortcut.

    Examples:
        >>> import torch
        >>> from mmcv.ops import MultiScaleDeformableAttention
        >>> from mmvg.models.layers import attend_to_points
        >>> attention = MultiScaleDeformableAttention(embed_dims=8, num_heads=2, num_levels=1, batch_first=True)
        >>> attend_to_points(attention, torch.randn(1, 3, 8), torch.rand(1, 3, 2), [torch.randn(1, 8, 4, 4)]).shape
        torch.Size([1, 3, 8])
    """
    heads, channels = attention.num_heads, query.shape[-1]
    offsets, weights = _offsets_and_weights(attention, query)
    seen, covered = 0, 0
    for level, x in enumerate(maps):
        height, width = x.shape[-2:]
        xs = (references[:, :, None, None, 0] + offsets[:, :, :, level, :, 0] / width).flatten(1, 2)  # (B, Q * H, P)
        ys = (references[:, :, None, None, 1] + offsets[:, :, :, level, :, 1] / height).flatten(1, 2)
        share = weights[:, :, :, level].flatten(1, 2)
        grid = torch.stack([2 * xs - 1, 2 * ys - 1], dim=-1)
        sampled = F.grid_sample(x, grid, mode='bilinear', padding_mode='zeros', align_corners=False)
        seen = seen + (sampled * share[:, None]).sum(-1)  # (B, C, Q * H)
        covered = covered + (share * _covered(xs, width) * _covered(ys, height)).sum(-1)
    seen = seen.transpose(1, 2).unflatten(1, (-1, heads))  # (B, Q, H, C)
    weight = attention.value_proj.weight.view(heads, -1, channels)
    bias = attention.value_proj.bias.view(heads, -1) * covered.unflatten(1, (-1, heads))[..., None]
    value = torch.einsum('bqhc,hdc->bqhd', seen, weight) + bias
    return attention.dropout(attention.output_proj(value.flatten(2)))


def attend_among_cells(
    attention: MultiScaleDeformableAttention,
    cells: Tensor,
    position: Tensor,
    references: Tensor,
    sizes: Sequence[tuple[int, int]],
) -> Tensor:
    """Let all cells of some maps look at those maps.

    Args:
        attention: Holds the weights.
        cells: (B, M, C), the M cells of all maps, one map after the other.
        position: Positions that broadcast to (B, M, C).
        references: (M, 2), the middles of the cells, x and y in fractions of the image.
        sizes: (h, w) of each map.

    Returns:
        (B, M, C), after the dropout and without the shortcut.

    Examples:
        >>> import torch
        >>> from mmcv.ops import MultiScaleDeformableAttention
        >>> from mmvg.models.layers import attend_among_cells
        >>> attention = MultiScaleDeformableAttention(embed_dims=8, num_heads=2, num_levels=2, batch_first=True)
        >>> cells, references = torch.randn(1, 20, 8), torch.rand(20, 2)
        >>> attend_among_cells(attention, cells, torch.zeros(20, 8), references, [(2, 2), (4, 4)]).shape
        torch.Size([1, 20, 8])
    """
    value = attention.value_proj(cells).unflatten(-1, (attention.num_heads, -1))
    offsets, weights = _offsets_and_weights(attention, cells + position)
    sides = send(torch.tensor([(w, h) for h, w in sizes], dtype=offsets.dtype), cells.device)
    locations = references[:, None, None, None] + offsets / sides[:, None]
    if value.is_cuda and mmcv_deformable.IS_CUDA_AVAILABLE:
        starts = [sum(h * w for h, w in sizes[:level]) for level in range(len(sizes))]
        shapes = [send(torch.tensor(numbers), cells.device) for numbers in (list(sizes), starts)]
        step = math.gcd(len(cells), _IM2COL_STEP)  # has to divide the batch
        seen = mmcv_deformable.MultiScaleDeformableAttnFunction.apply(value, *shapes, locations, weights, step)
    else:
        seen = mmcv_deformable.multi_scale_deformable_attn_pytorch(value, sizes, locations, weights)
    return attention.dropout(attention.output_proj(seen))


def _offsets_and_weights(attention: MultiScaleDeformableAttention, query: Tensor) -> tuple[Tensor, Tensor]:
    """Offsets (B, Q, H, L, P, 2) in cells, and weights (B, Q, H, L, P) that add up to 1 for each head."""
    shape = (attention.num_heads, attention.num_levels, attention.num_points)
    weights = attention.attention_weights(query).unflatten(-1, (attention.num_heads, -1)).softmax(-1)
    return attention.sampling_offsets(query).unflatten(-1, (*shape, 2)), weights.unflatten(-1, shape[1:])


def _covered(x: Tensor, size: int) -> Tensor:
    """Share of a sample at ``x`` (fractions) that lies on the map of ``size`` cells a side; beyond it all is zero."""
    cell = x * size - 0.5
    return torch.minimum(cell + 1, size - cell).clamp(0, 1)
