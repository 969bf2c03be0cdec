"""Attention of cells in windows, with learned relative positions: what ViTDet adds to a plain vision transformer."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class RelativeAttention(nn.Module):
    """Let cells of a map attend to each other with decomposed relative positions (ViTDet, arXiv:2203.16527).

    What a query q says about keys that lie r rows and c columns away, q . row[r] + q . column[c], is added to the
    logits (MViTv2, arXiv:2112.01526). Parameters have the names of detectron2 and of SAM.

    Args:
        embed_dims: Channels C.
        num_heads: Heads.
        size: Rows and columns (h, w) of the map.
        window: Side of the windows within which cells attend, in cells; None attends everywhere. The map is filled up
            with zeros to whole windows, which are attended to as in ViTDet.

    Examples:
        >>> import torch
        >>> from mmvg.models.layers import RelativeAttention
        >>> attention = RelativeAttention(8, num_heads=2, size=(4, 6), window=3)
        >>> attention(torch.randn(2, 24, 8)).shape, attention.rel_pos_h.shape
        (torch.Size([2, 24, 8]), torch.Size([5, 4]))
    """

    def __init__(self, embed_dims: int, num_heads: int, size: tuple[int, int], window: int | None = None) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.size = tuple(size)
        self.window = window
        self.qkv = nn.Linear(embed_dims, 3 * embed_dims)
        self.proj = nn.Linear(embed_dims, embed_dims)
        rows, columns = self.size if window is None else (window, window)
        self.rel_pos_h = nn.Parameter(self.qkv.weight.new_zeros(2 * rows - 1, embed_dims // num_heads))
        self.rel_pos_w = nn.Parameter(self.qkv.weight.new_zeros(2 * columns - 1, embed_dims // num_heads))

    def forward(self, tokens: Tensor, attn_mask: None = None, is_causal: bool = False) -> Tensor:
        """Attend among ``tokens`` (B, h*w, C), row by row; the other arguments are what timm's blocks hand over."""
        grid = tokens.unflatten(1, self.size)
        if self.window is None:
            return self._attend(grid).flatten(1, 2)
        (height, width), side = self.size, self.window
        filled = F.pad(grid, (0, 0, 0, -width % side, 0, -height % side))
        across = filled.shape[1] // side, filled.shape[2] // side
        windows = filled.unflatten(2, (across[1], side)).unflatten(1, (across[0], side)).transpose(2, 3)
        attended = self._attend(windows.flatten(0, 2)).unflatten(0, (-1, *across))
        joined = attended.transpose(2, 3).flatten(3, 4).flatten(1, 2)
        return joined[:, :height, :width].flatten(1, 2)

    def _attend(self, grid: Tensor) -> Tensor:
        """Attend among the cells of each of the maps (N, h, w, C)."""
        size = grid.shape[1:3]
        query, key, value = self.qkv(grid).unflatten(3, (3, self.num_heads, -1)).permute(3, 0, 4, 1, 2, 5).unbind(0)
        rows = query @ relative_table(self.rel_pos_h)  # (N, heads, h, w, h)
        columns = (query.transpose(2, 3) @ relative_table(self.rel_pos_w)).transpose(2, 3)  # (N, heads, h, w, w)
        bias = (rows.unsqueeze(5) + columns.unsqueeze(4)).flatten(4, 5).flatten(2, 3)
        query, key, value = (x.flatten(2, 3) for x in (query, key, value))
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        joined = torch.cat(attended.unbind(1), 2)  # a view would fix the layout of memory, which graphs may change
        return self.proj(joined.unflatten(1, size))


def relative_table(table: Tensor) -> Tensor:
    """Arrange positions (2n - 1, C) by query and key: entry (i, :, k) of the result (n, C, n) is row i - k + n - 1.

    Examples:
        >>> import torch
        >>> from mmvg.models.layers.relative_attention import relative_table
        >>> relative_table(torch.tensor([[-1], [0], [1]]))[:, 0]
        tensor([[ 0, -1],
                [ 1,  0]])
    """
    count = (table.shape[0] + 1) // 2
    return table.flip(0).unfold(0, count, 1).flip(0)


def resize_relative(table: Tensor, rows: int) -> Tensor:
    """Resize positions (n, C) to (``rows``, C), linearly, as ViTDet does for another size of the image.

    Examples:
        >>> import torch
        >>> from mmvg.models.layers import resize_relative
        >>> resize_relative(torch.zeros(127, 64), 55).shape
        torch.Size([55, 64])
    """
    if table.shape[0] == rows:
        return table
    return F.interpolate(table.T[None], size=rows, mode='linear')[0].T
