"""Which cells of a map may be left out of what follows, by how a query attends to them."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvg.registry import MODELS

#: Weights that differ by less, of the largest, are equal: their differences are those of a sum in another order.
_ROUNDING = 1e-5


@MODELS.register_module()
class TokenElimination(nn.Module):
    """Choose the cells that a query hardly attends to (EEVG, arXiv:2408.01120); nothing of it is learned.

    The weights of the query over the cells that are left are averaged over 3 x 3 cells, so that what lies beside
    something important stays, and scaled to 0..1 by their least and largest. Cells below the threshold go. Each sample
    is decided for itself, so that its answer does not depend on its batch. The most important cell always stays.

    Args:
        threshold: Cells with a scaled weight below it go.
        keep_rate: The part of them that stays nevertheless, drawn anew each time; in training only.
        compact: Whether a decoder takes cells that are left out out of its tensors, instead of hiding them from
            attention. Answers are the same; it saves time and memory, and waits for the device once a layer. Graphs
            (export, compilation) always hide.

    Raises:
        ValueError: If either is not in [0, 1].

    Examples:
        >>> import torch
        >>> from mmvg.models.layers import TokenElimination
        >>> logits = torch.zeros(1, 16)
        >>> logits[:, 0] = 5  # one corner of 4 x 4 cells
        >>> TokenElimination(threshold=0.015).eval()(logits, torch.ones(1, 16).bool(), (4, 4)).int().view(4, 4)
        tensor([[1, 1, 0, 0],
                [1, 1, 0, 0],
                [0, 0, 0, 0],
                [0, 0, 0, 0]], dtype=torch.int32)
    """

    def __init__(self, threshold: float = 0.015, keep_rate: float = 0.1, compact: bool = False) -> None:
        super().__init__()
        if not (0 <= threshold <= 1 and 0 <= keep_rate <= 1):
            raise ValueError(
                f'TokenElimination: threshold {threshold} and keep_rate {keep_rate} are not both between 0 and 1'
            )
        self.threshold = threshold
        self.keep_rate = keep_rate
        self.compact = compact

    @torch.no_grad()
    def forward(self, logits: Tensor, kept: Tensor, size: tuple[int, int], places: Tensor | None = None) -> Tensor:
        """Choose among the cells that are left.

        Args:
            logits: Attention (B, n) of the query to cells.
            kept: (B, n) bool, the cells that are left; others count as much as the least of these for their neighbours.
            size: Rows and columns (h, w) of the whole map.
            places: Which of the h*w cells each of the n is (B, n); None if they are all, row by row.

        Returns:
            (B, n) bool, the cells that stay.
        """
        weights = logits.float().masked_fill(~kept, -torch.inf).softmax(1)
        least = weights.masked_fill(~kept, torch.inf).amin(1, keepdim=True)
        filled = torch.where(kept, weights, least)
        if places is None:
            mean = mean_of_neighbours(filled.unflatten(1, size)).flatten(1)
        else:
            whole = least.expand(-1, size[0] * size[1]).scatter(1, places, filled)
            mean = mean_of_neighbours(whole.unflatten(1, size)).flatten(1).gather(1, places)
        low = mean.masked_fill(~kept, torch.inf).amin(1, keepdim=True)
        high = mean.masked_fill(~kept, -torch.inf).amax(1, keepdim=True)
        stays = (mean - low >= self.threshold * (high - low)) | (high - low <= _ROUNDING * high)
        if self.training and self.keep_rate:
            stays = stays | (torch.rand_like(mean) < self.keep_rate)
        return kept & stays


def mean_of_neighbours(x: Tensor) -> Tensor:
    """Average ``x`` (B, h, w) over 3 x 3 cells; in place of a neighbour beyond the border, the cell itself counts.

    Examples:
        >>> import torch
        >>> from mmvg.models.layers.token_elimination import mean_of_neighbours
        >>> mean_of_neighbours(torch.tensor([[[9.0, 0.0]]]))
        tensor([[[8., 1.]]])
    """
    inside = F.avg_pool2d(torch.ones_like(x[:1, None]), 3, stride=1, padding=1)
    return F.avg_pool2d(x[:, None], 3, stride=1, padding=1)[:, 0] + (1 - inside[:, 0]) * x


@torch.no_grad()
def first_query_logits(attention: nn.MultiheadAttention, tokens: Tensor) -> Tensor:
    """Compute the attention logits of the first of ``tokens`` (B, 1 + n, C) to the others, averaged over the heads.

    They lack a number that is the same for all, which a softmax does not see; so keys need not be computed.

    Args:
        attention: A self-attention, which reads queries and keys from ``tokens``.
        tokens: With their positions.

    Returns:
        (B, n).

    Examples:
        >>> import torch
        >>> from mmvg.models.layers import first_query_logits
        >>> first_query_logits(torch.nn.MultiheadAttention(8, 2, batch_first=True), torch.randn(3, 17, 8)).shape
        torch.Size([3, 16])
    """
    to_query, to_key, _ = attention.in_proj_weight.chunk(3)
    query = F.linear(tokens[:, 0], to_query, attention.in_proj_bias.chunk(3)[0])
    scale = attention.num_heads * attention.head_dim**0.5
    return (tokens[:, 1:] @ (query @ to_key / scale).unsqueeze(2)).squeeze(2)


def take_out(
    tokens: Tensor, positions: Tensor, kept: Tensor, places: Tensor | None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Shorten ``tokens`` (B, 1 + n, C) to the most cells that are kept in one of the samples; waits for the device.

    Samples of which fewer are kept have some others at the end, for which ``kept`` is False.

    Args:
        tokens: The first one stays.
        positions: (1 or B, 1 + n, C).
        kept: (B, n) bool.
        places: Which cell of the map each is (B, n); None if they are all, row by row.

    Returns:
        The four for the cells that stay, ``positions`` and ``places`` for each sample.

    Examples:
        >>> import torch
        >>> from mmvg.models.layers import take_out
        >>> kept = torch.tensor([[True, False, True], [False, True, False]])
        >>> tokens, _, kept, places = take_out(torch.zeros(2, 4, 8), torch.zeros(1, 4, 8), kept, None)
        >>> tokens.shape, kept.tolist(), places.tolist()
        (torch.Size([2, 3, 8]), [[True, True], [True, False]], [[0, 2], [1, 0]])
    """
    count = int(kept.sum(1).amax())
    order = kept.int().argsort(dim=1, descending=True, stable=True)[:, :count]
    index = torch.cat([torch.zeros_like(order[:, :1]), order + 1], 1).unsqueeze(2)
    tokens, positions = (x.expand_as(tokens).gather(1, index.expand(-1, -1, x.shape[2])) for x in (tokens, positions))
    return tokens, positions, kept.gather(1, order), order if places is None else places.gather(1, order)
