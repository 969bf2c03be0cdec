"""Batches in which several expressions ask about the same image, so that it is read and encoded once."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from mmengine.dataset import DefaultSampler
from torch.utils.data import BatchSampler

from mmvg.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class SharedImageBatchSampler(BatchSampler):
    """Cuts a pass over the data into batches in which up to K expressions of an image stand together.

    The expressions of an image are shuffled and cut into groups of K, the last of which may be smaller; groups are
    shuffled, and follow each other from batch to batch, so that a batch cuts one group at most. Every sample comes once
    a pass, as with the sampler alone. A step takes the next samples of this order, whatever the number of processes:
    each process takes a block of them.

    Args:
        sampler: MMEngine's ``DefaultSampler``, which shuffles; what it adds so that all processes have as many
            samples is added here too.
        batch_size: Samples of a batch, of each process.
        expressions_per_image: K.
        drop_last: Leave out a last batch that is not full.

    Raises:
        ValueError: If K is below 1, the sampler does not shuffle, or the data set does not tell images apart.

    Example:
        >>> class Expressions(list):
        ...     get_data_info = list.__getitem__
        >>> data = Expressions(dict(img_path=path) for path in 'aaaabbbb')
        >>> batches = SharedImageBatchSampler(DefaultSampler(data, seed=1), batch_size=4, expressions_per_image=2)
        >>> [[data[index]['img_path'] for index in batch] for batch in batches]
        [['b', 'b', 'a', 'a'], ['b', 'b', 'a', 'a']]
    """

    def __init__(
        self, sampler: DefaultSampler, batch_size: int, expressions_per_image: int, drop_last: bool = False
    ) -> None:
        if expressions_per_image < 1:
            raise ValueError(f'expressions_per_image must be 1 or more, not {expressions_per_image}')
        if not isinstance(sampler, DefaultSampler) or not sampler.shuffle:
            raise ValueError('expressions of an image stand together only where a DefaultSampler shuffles the samples')
        super().__init__(sampler, batch_size, drop_last)
        self.expressions_per_image = expressions_per_image
        self.images = image_of_each_sample(sampler.dataset)

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the batches of this process in the pass that the sampler is set to."""
        generator = torch.Generator().manual_seed(self.sampler.seed + self.sampler.epoch)
        order = images_together(self.images, self.expressions_per_image, generator)
        order = np.resize(order, self.sampler.total_size)  # goes on at the beginning
        for number in range(len(self)):
            start = self.first_place(number)
            yield order[start : start + self._size(number)].tolist()

    def __len__(self) -> int:
        samples = self.sampler.num_samples
        return samples // self.batch_size if self.drop_last else -(-samples // self.batch_size)

    def first_place(self, number: int) -> int:
        """Return the place of the first sample of a batch, among those of all processes."""
        return number * self.batch_size * self.sampler.world_size + self.sampler.rank * self._size(number)

    def _size(self, number: int) -> int:
        return min(self.batch_size, self.sampler.num_samples - number * self.batch_size)


def images_together(images: np.ndarray, most: int, generator: torch.Generator) -> np.ndarray:
    """Shuffle samples so that those of an image stand together, up to ``most`` of them.

    Args:
        images: (N,) whole numbers, the image of each sample.
        most: Samples of a group.
        generator: Source of everything random.

    Returns:
        (N,) numbers of the samples.

    Example:
        >>> images_together(np.array([0, 0, 1, 1]), 2, torch.Generator().manual_seed(1)).tolist()
        [1, 0, 3, 2]
    """
    order = torch.randperm(len(images), generator=generator).numpy()
    order = order[np.argsort(images[order], kind='stable')]
    begins = np.diff(images[order], prepend=-1) != 0
    firsts = np.flatnonzero(begins)
    place = np.arange(len(order)) - firsts[np.cumsum(begins) - 1]  # of a sample among those of its image
    group = np.cumsum(place % most == 0) - 1
    turn = torch.randperm(int(group[-1]) + 1, generator=generator).numpy()
    return order[np.argsort(turn[group], kind='stable')]


def image_of_each_sample(dataset: Any) -> np.ndarray:
    """Number the images of a data set, (N,) from 0 on, by the paths of its items.

    Raises:
        ValueError: If it has no ``get_data_info`` that gives ``img_path``.
    """
    numbers: dict[str, int] = {}
    try:
        paths = (dataset.get_data_info(index)['img_path'] for index in range(len(dataset)))
        return np.array([numbers.setdefault(path, len(numbers)) for path in paths])
    except (AttributeError, KeyError) as error:
        raise ValueError(f'{type(dataset).__name__} does not tell which image a sample is about ({error})') from error
