"""Choose the tokens that attend to the image (InstanceVG, arXiv:2509.13747, Alg. 1)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvg.checks import check_choice


def without_special_tokens(text_mask: Tensor) -> Tensor:
    """Take the first and the last real token of each row, the markers of begin and end, out of ``text_mask`` (B, L).

    A row with nothing between them keeps them.

    Examples:
        >>> import torch
        >>> from mmvg.models.layers import without_special_tokens
        >>> without_special_tokens(torch.tensor([[1, 1, 1, 0]]).bool())
        tensor([[False,  True, False, False]])
    """
    position = text_mask.long().cumsum(dim=1)
    inner = text_mask & (position > 1) & (position < position[:, -1:])
    return torch.where(inner.any(dim=1, keepdim=True), inner, text_mask)


def filter_text(
    text: Tensor, text_mask: Tensor, num_tokens: int, score: str = 'mean', special: bool = True
) -> tuple[Tensor, Tensor]:
    """Choose ``num_tokens`` real tokens per expression.

    With at least ``num_tokens`` real tokens, those with the highest scores are taken, by descending score (ties: first
    token first). With fewer, all of them are taken in their order, and zero vectors fill the rest. The choice has no
    gradient, the chosen features have one.

    Args:
        text: Token features (B, L, C).
        text_mask: (B, L), True = a real token.
        num_tokens: Tokens to choose.
        score: ``'mean'`` over the channels (the authors' code) or ``'l2'``, the Euclidean norm (the paper).
        special: Whether the markers of begin and end take part, as in the authors' code.

    Returns:
        Features (B, num_tokens, C) and their mask (B, num_tokens), False = a zero vector.

    Raises:
        ValueError: If ``score`` is unknown.

    Examples:
        >>> import torch
        >>> from mmvg.models.layers import filter_text
        >>> text = torch.tensor([[[1.0], [3.0], [2.0]]])
        >>> filter_text(text, torch.ones(1, 3).bool(), num_tokens=2)
        (tensor([[[3.],
                 [2.]]]), tensor([[True, True]]))
    """
    check_choice('score', score, ('mean', 'l2'))
    valid = text_mask.bool()
    if not special:
        valid = without_special_tokens(valid)
    missing = num_tokens - text.shape[1]
    if missing > 0:
        text, valid = F.pad(text, (0, 0, 0, missing)), F.pad(valid, (0, missing))
    features = text.detach().float()
    scores = features.mean(dim=-1) if score == 'mean' else features.norm(dim=-1)
    enough = valid.sum(dim=1, keepdim=True) >= num_tokens
    scores = torch.where(enough, scores, torch.zeros_like(scores)).masked_fill(~valid, -torch.inf)
    order = scores.sort(dim=1, descending=True, stable=True).indices[:, :num_tokens]
    mask = valid.gather(1, order)
    chosen = text.gather(1, order[..., None].expand(-1, -1, text.shape[-1]))
    return chosen.masked_fill(~mask[..., None], 0), mask
