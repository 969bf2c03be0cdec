"""How near a sentence and what it means are in an encoder, after a linear probe."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvg.models import Grounder
from mmvg.structures import GroundingSample

#: What stands for the image: the mean of the cells that the target covers, or of all of them.
IMAGE_PARTS = ('target', 'image')


@dataclass
class Similarity:
    """Cosine similarities of pairs of a sentence and an image that were not learned from.

    Args:
        matching: (N,) of each sentence with its own image.
        others: (N * (N - 1),) of each sentence with the others.
    """

    matching: np.ndarray
    others: np.ndarray

    @property
    def gap(self) -> float:
        """The difference of the means."""
        return float(self.matching.mean() - self.others.mean())


@torch.no_grad()
def collect_features(model: Grounder, batches: Iterable[dict], part: str = 'target') -> tuple[Tensor, Tensor]:
    """Sentences and images as the encoder of a model sees them.

    A sentence is the mean of its tokens behind the encoder. An image is taken from the coarsest map, before its last
    fusion with the text if the encoder can tell it (``unfused``).

    Args:
        model: In evaluation mode.
        batches: As a loader gives them, with masks in input pixels; samples without a target are left out.
        part: See ``IMAGE_PARTS``.

    Returns:
        Texts (N, C) and images (N, C').

    Raises:
        ValueError: If there is no sample with a target.
    """
    texts, images = [], []
    for batch in batches:
        data = model.data_preprocessor(batch, training=False)
        inputs = data['inputs']
        index = inputs.get('image_index', torch.arange(len(inputs['input_ids'])))
        features = model.backbone(inputs['images'][index], inputs['input_ids'], inputs['text_mask'])
        cells = features.images[-1] if features.unfused is None else features.unfused
        for i, sample in enumerate(data['data_samples']):
            share = _share(sample, cells.shape[-2:], part)
            if share is None:
                continue
            texts.append(features.text[i][features.text_mask[i]].float().mean(0))
            images.append((cells[i].float() * share.to(cells)).sum((1, 2)) / share.sum().to(cells))
    if not texts:
        raise ValueError('there is no sample with a target to compare')
    return torch.stack(texts).cpu(), torch.stack(images).cpu()


def _share(sample: GroundingSample, size: tuple[int, int], part: str) -> Tensor | None:
    """How much of each cell (h, w) counts; None if nothing does."""
    if part == 'image':
        return torch.ones(size)
    mask = torch.as_tensor(np.asarray(sample.gt_sem_seg.sem_seg)).float()
    share = F.adaptive_avg_pool2d(mask[None], size)[0, 0]
    return share if share.any() else None


def probe_similarity(
    texts: Tensor, images: Tensor, steps: int = 300, temperature: float = 0.07, seed: int = 0
) -> Similarity:
    """Learn a linear layer from texts to images on one half of the pairs, and compare those of the other half.

    As MagNet does for its Fig. 6 (arXiv:2312.12198, Sec. 4.4.1), which names a linear layer with a contrastive loss and
    nothing else; ours is InfoNCE in both directions, with Adam on all pairs of the half at once.

    Args:
        texts: (N, C), N >= 4.
        images: (N, C').
        steps: Of the optimizer.
        temperature: Of the loss.
        seed: Of the halves and the layer.

    Raises:
        ValueError: If there are fewer than four pairs.

    Example:
        >>> torch.manual_seed(0)  # doctest: +ELLIPSIS
        <torch._C.Generator object at ...>
        >>> texts = torch.randn(200, 8)
        >>> aligned = probe_similarity(texts, texts @ torch.randn(8, 6))
        >>> aligned.gap > 0.8, abs(probe_similarity(texts, torch.randn(200, 6)).gap) < 0.2
        (True, True)
    """
    if len(texts) < 4:
        raise ValueError(f'{len(texts)} pairs are too few to learn from one half and compare the other')
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(texts), generator=generator)
    learned, held = order[: len(order) // 2], order[len(order) // 2 :]
    # the mean says nothing of a pair, and scale differs from encoder to encoder
    texts, images = (_standardised(x, learned) for x in (texts, images))
    layer = nn.Linear(texts.shape[1], images.shape[1])
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * texts.shape[1] ** -0.5)
    optimizer = torch.optim.Adam(layer.parameters(), lr=1e-2, weight_decay=1e-3)
    same = torch.arange(len(learned))
    for _ in range(steps):
        logits = _cosines(layer(texts[learned]), images[learned]) / temperature
        loss = F.cross_entropy(logits, same) + F.cross_entropy(logits.t(), same)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        cosines = _cosines(layer(texts[held]), images[held])
    own = torch.eye(len(held), dtype=torch.bool)
    return Similarity(cosines[own].numpy(), cosines[~own].numpy())


def _standardised(x: Tensor, rows: Tensor) -> Tensor:
    return (x - x[rows].mean(0)) / x[rows].std(0).clamp(min=1e-6)


def _cosines(left: Tensor, right: Tensor) -> Tensor:
    return F.normalize(left, dim=1) @ F.normalize(right, dim=1).t()
