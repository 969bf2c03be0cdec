"""Let models be traced for a free number of samples: parts of mmcv and mmdet that read sizes from tensors.

They compute the same from sizes that are known while tracing. The sizes of maps are those of one run before it, for
an exported model takes pictures of one size.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import torch
import torch.nn.functional as F
from mmcv.ops import MultiScaleDeformableAttention
from mmdet.models.backbones.swin import ShiftWindowMSA, WindowMSA
from mmdet.models.layers.msdeformattn_pixel_decoder import MSDeformAttnPixelDecoder
from torch import Tensor, nn

#: Height and width of each level that an attention samples, by module.
Sizes = dict[nn.Module, list[tuple[int, int]]]


@contextmanager
def traceable(model: nn.Module, *inputs: Tensor) -> Iterator[None]:
    """Within the context, ``model`` can be traced by :func:`torch.export.export` with a free batch size.

    Args:
        model: In evaluation mode.
        inputs: What it is run on once, to learn the sizes of its maps.

    Example:
        >>> from mmdet.models.backbones.swin import ShiftWindowMSA
        >>> class Windows(nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.attention = ShiftWindowMSA(4, num_heads=2, window_size=2, shift_size=1)
        ...
        ...     def forward(self, tokens):
        ...         return self.attention(tokens, (4, 4))
        >>> model, tokens = Windows().eval(), torch.randn(2, 16, 4)
        >>> with traceable(model, tokens):
        ...     program = torch.export.export(model, (tokens,), dynamic_shapes=[{0: torch.export.Dim.DYNAMIC}])
        >>> program.module()(torch.randn(3, 16, 4)).shape
        torch.Size([3, 16, 4])
    """
    sizes: Sizes = {}

    def note(module: nn.Module, args: tuple, kwargs: dict) -> None:
        sizes[module] = [(int(h), int(w)) for h, w in kwargs['spatial_shapes']]

    with ExitStack() as hooks, torch.no_grad():
        for module in model.modules():
            if isinstance(module, MultiScaleDeformableAttention):
                hooks.callback(module.register_forward_pre_hook(note, with_kwargs=True).remove)
        model(*inputs)

    def attend(module: MultiScaleDeformableAttention, query: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return deformable_attention(module, sizes[module], query, *args, **kwargs)

    with ExitStack() as stack:
        for owner, name, replacement in (
            (MultiScaleDeformableAttention, 'forward', attend),
            (MSDeformAttnPixelDecoder, 'forward', decode_pixels),
            (ShiftWindowMSA, 'window_reverse', join_windows),
            (WindowMSA, 'forward', attend_in_windows),
        ):
            stack.enter_context(patch.object(owner, name, replacement))
        yield


def deformable_attention(
    module: MultiScaleDeformableAttention,
    sizes: list[tuple[int, int]],
    query: Tensor,
    key: Tensor | None = None,
    value: Tensor | None = None,
    identity: Tensor | None = None,
    query_pos: Tensor | None = None,
    key_padding_mask: Tensor | None = None,
    reference_points: Tensor | None = None,
    **_: Any,
) -> Tensor:
    """Compute what ``module`` does, for reference points (B, Q, levels, 2) and without its padding mask.

    Nothing is padded in our models: a mask that is given is False everywhere.
    """
    value = query if value is None else value
    identity = query if identity is None else identity
    query = query if query_pos is None else query + query_pos
    if not module.batch_first:
        query, value = query.transpose(0, 1), value.transpose(0, 1)
    heads, levels, points = module.num_heads, module.num_levels, module.num_points
    values = module.value_proj(value).unflatten(2, (heads, -1)).permute(0, 2, 3, 1).flatten(0, 1)  # (B heads, c, cells)
    offsets = module.sampling_offsets(query).unflatten(2, (heads, levels, points, 2))
    weights = module.attention_weights(query).unflatten(2, (heads, levels * points)).softmax(-1)
    extent = query.new_tensor([[w, h] for h, w in sizes])
    places = reference_points[:, :, None, :, None] + offsets / extent[:, None]  # (B, Q, heads, levels, points, 2)
    grids = (2 * places - 1).transpose(1, 2).flatten(0, 1)  # (B heads, Q, levels, points, 2)
    maps = values.split([h * w for h, w in sizes], dim=2)
    sampled = [
        F.grid_sample(level.unflatten(2, size), grids[:, :, i], align_corners=False)  # (B heads, c, Q, points)
        for i, (level, size) in enumerate(zip(maps, sizes, strict=True))
    ]
    weights = weights.transpose(1, 2).flatten(0, 1)[:, None]  # (B heads, 1, Q, levels points)
    output = (torch.stack(sampled, dim=-2).flatten(-2) * weights).sum(-1)  # (B heads, c, Q)
    output = output.unflatten(0, (-1, heads)).flatten(1, 2).transpose(1, 2)
    output = module.output_proj(output)
    if not module.batch_first:
        output = output.transpose(0, 1)
    return module.dropout(output) + identity


def decode_pixels(module: MSDeformAttnPixelDecoder, feats: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """Compute what ``module`` does of maps (B, C_i, h_i, w_i), finest first."""
    batch, coarse = feats[0].shape[0], feats[: -module.num_encoder_levels - 1 : -1]  # coarsest first
    sizes = [tuple(x.shape[-2:]) for x in coarse]
    tokens, positions, places = [], [], []
    for i, (x, size) in enumerate(zip(coarse, sizes, strict=True)):
        level = module.num_input_levels - i - 1
        position = module.postional_encoding(torch.zeros((1, *size), dtype=torch.bool, device=x.device))
        position = position + module.level_encoding.weight[i][:, None, None]
        grid = module.point_generator.single_level_grid_priors(size, level, device=x.device)
        tokens.append(module.input_convs[i](x).flatten(2).transpose(1, 2))
        positions.append(position.flatten(2).transpose(1, 2))
        places.append(grid / (grid.new_tensor(size[::-1]) * module.strides[level]))
    reference = torch.cat(places)[None, :, None].expand(batch, -1, len(sizes), -1)
    memory = module.encoder(
        query=torch.cat(tokens, 1),
        query_pos=torch.cat(positions, 1).expand(batch, -1, -1),
        key_padding_mask=None,
        spatial_shapes=torch.tensor(sizes, device=reference.device),
        reference_points=reference,
        level_start_index=None,
        valid_ratios=reference.new_ones((batch, len(sizes), 2)),
    )
    parts = memory.transpose(1, 2).split([h * w for h, w in sizes], dim=2)
    outs = [part.unflatten(2, size) for part, size in zip(parts, sizes, strict=True)]
    for i in reversed(range(module.num_input_levels - module.num_encoder_levels)):
        x = module.lateral_convs[i](feats[i])
        x = x + F.interpolate(outs[-1], size=x.shape[-2:], mode='bilinear', align_corners=False)
        outs.append(module.output_convs[i](x))
    return module.mask_feature(outs[-1]), outs[: module.num_outs]


def join_windows(module: ShiftWindowMSA, windows: Tensor, height: int, width: int) -> Tensor:
    """Turn ``windows`` (B windows, s, s, C) into maps (B, ``height``, ``width``, C)."""
    side = module.window_size
    grid = windows.unflatten(0, (-1, height // side, width // side))
    return grid.transpose(2, 3).flatten(3, 4).flatten(1, 2)


def attend_in_windows(module: WindowMSA, x: Tensor, mask: Tensor | None = None) -> Tensor:
    """Compute what ``module`` does with windows (B windows, N, C), and a mask (windows, N, N) to add to the logits."""
    query, key, value = module.qkv(x).unflatten(2, (3, module.num_heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
    logits = (query * module.scale) @ key.transpose(-2, -1)  # (B windows, heads, N, N)
    count = x.shape[1]
    bias = module.relative_position_bias_table[module.relative_position_index.flatten()]
    logits = logits + bias.unflatten(0, (count, count)).permute(2, 0, 1)
    if mask is not None:
        logits = (logits.unflatten(0, (-1, len(mask))) + mask[:, None]).flatten(0, 1)
    return module.proj((logits.softmax(-1) @ value).transpose(1, 2).flatten(2))
