"""How near a sentence and what it means are in an encoder, after a linear probe."""

from collections.abc import Iterable, Sequence
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
        others: (M,) of each sentence with the images of other pictures.
    """

    matching: np.ndarray
    others: np.ndarray

    @property
    def gap(self) -> float:
        """The difference of the means."""
        return float(self.matching.mean() - self.others.mean())


@torch.no_grad()
def collect_features(
    model: Grounder, batches: Iterable[dict], part: str = 'target'
) -> tuple[Tensor, Tensor, list[str]]:
    """Sentences and images as the encoder of a model sees them.

    A sentence is the mean of its tokens behind the encoder. An image is taken from the coarsest map, before its last
    fusion with the text if the encoder can tell it (``unfused``).

    Args:
        model: In evaluation mode.
        batches: As a loader gives them, with masks in input pixels; samples without a target are left out.
        part: See ``IMAGE_PARTS``.

    Returns:
        Texts (N, C), images (N, C'), and the path of the picture of each.

    Raises:
        ValueError: If there is no sample with a target.
    """
    texts, images, pictures = [], [], []
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
            pictures.append(str(sample.img_path))
            images.append((cells[i].float() * share.to(cells)).sum((1, 2)) / share.sum().to(cells))
    if not texts:
        raise ValueError('there is no sample with a target to compare')
    return torch.stack(texts).cpu(), torch.stack(images).cpu(), pictures


def _share(sample: GroundingSample, size: tuple[int, int], part: str) -> Tensor | None:
    """How much of each cell (h, w) counts; None if nothing does."""
    if sample.no_target:
        return None
    if part == 'image':
        return torch.ones(size)
    mask = torch.as_tensor(np.asarray(sample.gt_sem_seg.sem_seg)).float()
    share = F.adaptive_avg_pool2d(mask[None], size)[0, 0]
    return share if share.any() else None


def probe_similarity(
    texts: Tensor,
    images: Tensor,
    pictures: Sequence[str] | None = None,
    steps: int = 300,
    temperature: float = 0.07,
    seed: int = 0,
) -> Similarity:
    """Learn a linear layer from texts to images of one half of the pictures, and compare the pairs of the other half.

    As MagNet does for its Fig. 6 (arXiv:2312.12198, Sec. 4.4.1), which names a linear layer with a contrastive loss and
    nothing else; ours is InfoNCE in both directions, with Adam on all pairs of the half at once. Two pairs of one
    picture are never held against each other, for one sentence may well mean what the other does.

    Args:
        texts: (N, C), N >= 4.
        images: (N, C').
        pictures: Which picture each pair is of, N names; by default each of its own.
        steps: Of the optimizer.
        temperature: Of the loss.
        seed: Of the halves and the layer.

    Raises:
        ValueError: If there are fewer than four pictures.

    Example:
        >>> torch.manual_seed(0)  # doctest: +ELLIPSIS
        <torch._C.Generator object at ...>
        >>> texts = torch.randn(200, 8)
        >>> aligned = probe_similarity(texts, texts @ torch.randn(8, 6))
        >>> aligned.gap > 0.8, abs(probe_similarity(texts, torch.randn(200, 6)).gap) < 0.2
        (True, True)
    """
    if pictures is None:
        pictures = [str(number) for number in range(len(texts))]
    names, numbers = np.unique(pictures, return_inverse=True)
    if len(names) < 4:
        raise ValueError(f'pairs of {len(names)} pictures are too few to learn from one half and compare the other')
    generator = torch.Generator().manual_seed(seed)
    picture = torch.from_numpy(numbers)
    order = torch.randperm(len(names), generator=generator)
    is_learned = torch.isin(picture, order[: len(order) // 2])
    learned, held = is_learned.nonzero()[:, 0], (~is_learned).nonzero()[:, 0]
    # the mean says nothing of a pair, and scale differs from encoder to encoder
    texts, images = (_standardised(x, learned) for x in (texts, images))
    layer = nn.Linear(texts.shape[1], images.shape[1])
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * texts.shape[1] ** -0.5)
    optimizer = torch.optim.Adam(layer.parameters(), lr=1e-2, weight_decay=1e-3)
    same = torch.arange(len(learned))
    no_rivals = _of_one_picture(picture[learned]).fill_diagonal_(False)
    for _ in range(steps):
        logits = _cosines(layer(texts[learned]), images[learned]) / temperature
        logits = logits.masked_fill(no_rivals, -torch.inf)
        loss = F.cross_entropy(logits, same) + F.cross_entropy(logits.t(), same)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        cosines = _cosines(layer(texts[held]), images[held])
    return Similarity(cosines.diagonal().numpy(), cosines[~_of_one_picture(picture[held])].numpy())


def _of_one_picture(picture: Tensor) -> Tensor:
    """Which pairs (N, N) of two pairs show the same ``picture`` (N,)."""
    return picture[:, None] == picture[None]


def _standardised(x: Tensor, rows: Tensor) -> Tensor:
    return (x - x[rows].mean(0)) / x[rows].std(0).clamp(min=1e-6)


def _cosines(left: Tensor, right: Tensor) -> Tensor:
    return F.normalize(left, dim=1) @ F.normalize(right, dim=1).t()
