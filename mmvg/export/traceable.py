"""Let models be traced for a free number of samples: parts of mmdet's Swin that read the batch size as a number."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from mmdet.models.backbones.swin import ShiftWindowMSA, WindowMSA
from torch import Tensor


@contextmanager
def traceable() -> Iterator[None]:
    """Within the context, models can be traced by :func:`torch.export.export` with a free batch size.

    Example:
        >>> import torch
        >>> from mmdet.models.backbones.swin import ShiftWindowMSA
        >>> class Windows(torch.nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.attention = ShiftWindowMSA(4, num_heads=2, window_size=2, shift_size=1)
        ...
        ...     def forward(self, tokens):
        ...         return self.attention(tokens, (4, 4))
        >>> model, tokens = Windows().eval(), torch.randn(2, 16, 4)
        >>> with traceable():
        ...     program = torch.export.export(model, (tokens,), dynamic_shapes=[{0: torch.export.Dim.DYNAMIC}])
        >>> program.module()(torch.randn(3, 16, 4)).shape
        torch.Size([3, 16, 4])
    """
    with (
        patch.object(ShiftWindowMSA, 'window_reverse', join_windows),
        patch.object(WindowMSA, 'forward', attend_in_windows),
    ):
        yield


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
