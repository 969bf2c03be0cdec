"""Where a model looks: every attention between image and text of any system, as maps over the image."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from mmvg.datasets.tokenizers.base_tokenizer import BaseTokenizer
from mmvg.models import Grounder, GroundingFeatures
from mmvg.structures import GroundingSample


@dataclass
class AttentionMaps:
    """The weights of one attention over the cells of the image.

    Args:
        name: Of the module.
        weights: (B, K, h, w), of each of K words, queries or anchors.
        of_words: Whether the K are the tokens of the sentence.
        read_by: ``'words'`` where words (or queries, anchors) look at cells, so that a map sums up to 1; ``'cells'``
            where cells look at words, so that all words of one cell do.
    """

    name: str
    weights: Tensor
    of_words: bool
    read_by: str


@torch.no_grad()
def attention_maps(model: Grounder, batch: dict) -> tuple[list[AttentionMaps], list[GroundingSample]]:
    """Let a model answer, and read where it looked on the way.

    Recorded are all attentions of PyTorch (:class:`torch.nn.MultiheadAttention`, mean over the heads) and all whose
    softmax is a module of its own, of which either side is the cells of an image: of words and queries that look at
    cells, and of cells that look at words. Cells that look at cells, and words at words, are left out. What is cells is
    told by their number: that of a map that the backbone or a neck gives. Where a part says how many ``leading_tokens``
    stand in front of its cells, as EEVG's decoder of its [REG], the first of these is a query that looks at them.

    Args:
        model: In evaluation mode.
        batch: Lists of ``inputs`` and ``data_samples``, as a loader gives them.

    Returns:
        The maps in the order in which they were computed, and the answered samples.
    """
    data = model.data_preprocessor(batch, training=False)
    inputs = data['inputs']
    with _recorded(model) as (seen, grids):
        samples = model(inputs, data['data_samples'], mode='predict')
    found = (_as_maps(name, weights, first, grids, *inputs['text_mask'].shape) for name, weights, first in seen)
    return [maps for maps in found if maps is not None], samples


@contextmanager
def _recorded(model: Grounder) -> Iterator[tuple[list[tuple[str, Tensor, int]], dict[int, tuple[int, int]]]]:
    """Collect name, weights and tokens in front of each attention; and number of cells -> (h, w) of the maps."""
    seen: list[tuple[str, Tensor, int]] = []
    grids: dict[int, tuple[int, int]] = {}
    handles = []

    def want_weights(module: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        return args, kwargs | dict(need_weights=True, average_attn_weights=True)

    def measure(module: nn.Module, args: tuple, output: GroundingFeatures) -> None:
        for image in (*output.images, *(() if output.unfused is None else (output.unfused,))):
            height, width = image.shape[-2:]
            grids[height * width] = (height, width)

    for part in (model.backbone, *model.neck.values()):
        handles.append(part.register_forward_hook(measure))
    modules = dict(model.named_modules())
    leading = {f'{name}.': part.leading_tokens for name, part in modules.items() if hasattr(part, 'leading_tokens')}
    for name, module in modules.items():
        first = next((tokens for prefix, tokens in leading.items() if name.startswith(prefix)), 0)

        def keep(module: nn.Module, args: tuple, output: Tensor | tuple, name: str = name, first: int = first) -> None:
            seen.append((name, output[1] if isinstance(output, tuple) else output, first))

        if isinstance(module, nn.MultiheadAttention):
            handles.append(module.register_forward_pre_hook(want_weights, with_kwargs=True))
        if isinstance(module, (nn.MultiheadAttention, nn.Softmax)):
            handles.append(module.register_forward_hook(keep))
    try:
        yield seen, grids
    finally:
        for handle in handles:
            handle.remove()


def _as_maps(
    name: str, weights: Tensor, first: int, grids: Mapping[int, tuple[int, int]], batch: int, length: int
) -> AttentionMaps | None:
    """``weights`` (B, N, M), or of each head, of N that look at M, as maps; None if neither is cells alone.

    ``first`` tokens may stand in front of the cells.
    """
    if weights.ndim == 4:
        weights = weights.mean(1)
    if weights.ndim != 3 or len(weights) != batch:
        return None
    looking, seen = weights.shape[1:]
    if first and looking - first in grids:
        of_token = weights[:, :1, first:] / weights[:, :1, first:].sum(2, keepdim=True)
        weights = of_token if looking == seen else weights[:, first:]
        looking, seen = weights.shape[1:]
    grid_of_looking, grid_of_seen = grids.get(looking), grids.get(seen)
    if seen == length and looking != length and grid_of_looking:
        maps = weights.transpose(1, 2).unflatten(2, grid_of_looking)
        return AttentionMaps(name, maps.float().cpu(), of_words=True, read_by='cells')
    if grid_of_seen and looking != seen and seen != length:
        maps = weights.unflatten(2, grid_of_seen)
        return AttentionMaps(name, maps.float().cpu(), of_words=looking == length, read_by='words')
    return None


def words_of_tokens(tokenizer: BaseTokenizer, text: str, max_length: int) -> list[tuple[str, slice]]:
    """The words of ``text`` and the tokens of each, behind the begin token; those that are cut off are left out.

    Example:
        >>> from mmvg.datasets.tokenizers import WordTokenizer
        >>> words_of_tokens(WordTokenizer('data/refshapes/vocab.txt'), 'the red ring', 14)
        [('the', slice(1, 2, None)), ('red', slice(2, 3, None)), ('ring', slice(3, 4, None))]
    """
    words = text.split()
    ends = [1 + len(tokenizer.encode(' '.join(words[: n + 1]))) for n in range(len(words))]
    spans = [slice(start, end) for start, end in zip([1, *ends], ends, strict=False)]
    return [(word, span) for word, span in zip(words, spans, strict=True) if span.start < span.stop <= max_length - 1]


def maps_to_show(
    maps: AttentionMaps, index: int, words: Sequence[tuple[str, slice]], count: int
) -> list[tuple[str, np.ndarray]]:
    """Choose what to show of one sample: titles and maps (h, w), from 0 to 1.

    Of words, those ``count`` whose attention differs most from place to place; of queries or anchors the mean of all.

    Args:
        maps: Of a batch.
        index: Which sample.
        words: Of :func:`words_of_tokens`, for the text as the model reads it.
        count: Of words.
    """
    weights = maps.weights[index].numpy()
    if not maps.of_words:
        return [(f'mean of {len(weights)}' if len(weights) > 1 else 'the query', _scaled(weights.mean(0)))]
    of_words = [(word, weights[span].sum(0)) for word, span in words]
    order = np.argsort([-(values.std() / max(values.mean(), 1e-12)) for _, values in of_words], kind='stable')
    return [(of_words[i][0], _scaled(of_words[i][1])) for i in sorted(order[:count])]


def _scaled(values: np.ndarray) -> np.ndarray:
    low, high = values.min(), values.max()
    return (values - low) / max(float(high - low), 1e-12)
