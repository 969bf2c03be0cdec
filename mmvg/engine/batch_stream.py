"""Batches that have a number: a run goes on at any of them, and what is drawn for a sample depends on nothing else."""

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from mmengine.dataset import InfiniteSampler
from mmengine.dist import get_dist_info
from torch.utils.data import DataLoader, Dataset, Sampler, get_worker_info

from mmvg.datasets.readers import AccessRandom

Numbered = tuple[int, tuple[int, int, int]]


class NumberedBatches(Sampler):
    """A batch sampler that tells each sample its seed, pass and place, and can begin in the middle of a pass.

    The place counts the samples of all processes, so that it is the same on any number of them. These take turns,
    unless the batch sampler says by ``first_place`` that each has a block of them.

    Args:
        batches: The batch sampler of a loader.
        seed: Of the run.

    Example:
        >>> batches = NumberedBatches(torch.utils.data.BatchSampler(range(5), 2, drop_last=True), seed=6666)
        >>> batches.begin(number=3, start=1)
        >>> list(batches)  # index, and seed, pass and place
        [[(2, (6666, 3, 2)), (3, (6666, 3, 3))]]
    """

    def __init__(self, batches: Sampler, seed: int) -> None:
        self.batches = batches
        self.seed = seed
        self.number = self.start = 0
        self.rank, self.processes = get_dist_info()

    @property
    def sampler(self) -> Sampler:
        """Which samples there are, in order."""
        return self.batches.sampler

    @property
    def batch_size(self) -> int:
        """Samples of a batch."""
        return self.batches.batch_size

    @property
    def is_infinite(self) -> bool:
        """Whether one pass never ends."""
        return isinstance(self.sampler, InfiniteSampler)

    def begin(self, number: int, start: int) -> None:
        """Say which pass over the data comes next, and at which of its batches it begins."""
        self.number, self.start = number, start
        if hasattr(self.sampler, 'set_epoch'):
            self.sampler.set_epoch(number)
        if self.is_infinite:
            self.sampler.skip(0)

    def __iter__(self) -> Iterator[list[Numbered]]:
        done, start = 0, self.start
        for count, batch in enumerate(self.batches):
            if count >= start:
                places = self._places(count, done, len(batch))
                yield [(index, (self.seed, self.number, each)) for index, each in zip(batch, places, strict=True)]
            done += len(batch)

    def _places(self, count: int, done: int, size: int) -> range:
        """Places of batch ``count`` of this process, before which it has had ``done`` samples."""
        if hasattr(self.batches, 'first_place'):
            first = self.batches.first_place(count)
            return range(first, first + size)
        return range(done * self.processes + self.rank, (done + size) * self.processes, self.processes)

    def __len__(self) -> int:
        return len(self.batches)


class NumberedDataset(Dataset):
    """A dataset whose samples are asked for by what :class:`NumberedBatches` says.

    In a worker, the generators of Python, NumPy and torch and the draws of the dataset are seeded for each sample.
    MMEngine's workers draw the same numbers in every epoch, and what they have drawn ahead is lost when a run ends. In
    the main process the generators go on, as their state is saved.

    Args:
        dataset: Whatever its loader was built from; other attributes are taken from it.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    def __getitem__(self, numbered: Numbered) -> Any:
        index, key = numbered
        if get_worker_info() is not None:
            _seed_sample(key)
        return self.dataset[index]

    def __len__(self) -> int:
        return len(self.dataset)

    def __getattr__(self, name: str) -> Any:
        if name == 'dataset':  # while it is unpickled in a worker
            raise AttributeError(name)
        return getattr(self.dataset, name)


def numbered_loader(loader: DataLoader, seed: int) -> DataLoader:
    """Build a loader of the same data and settings that numbers its batches.

    Example:
        >>> loader = numbered_loader(DataLoader(range(10, 14), batch_size=2), seed=6666)
        >>> loader.batch_sampler.begin(number=0, start=1)
        >>> list(loader)
        [tensor([12, 13])]
    """
    worker_arguments = {}
    if loader.num_workers:
        worker_arguments = dict(
            prefetch_factor=loader.prefetch_factor, multiprocessing_context=loader.multiprocessing_context
        )
    return DataLoader(
        NumberedDataset(loader.dataset),
        batch_sampler=NumberedBatches(loader.batch_sampler, seed),
        num_workers=loader.num_workers,
        collate_fn=loader.collate_fn,
        pin_memory=loader.pin_memory,
        timeout=loader.timeout,
        worker_init_fn=loader.worker_init_fn,
        generator=loader.generator,
        persistent_workers=loader.persistent_workers,
        **worker_arguments,
    )


def _seed_sample(key: tuple[int, int, int]) -> None:
    seeds = np.random.SeedSequence(key).generate_state(4)
    random.seed(int(seeds[0]))
    np.random.seed(int(seeds[1]))
    torch.default_generator.manual_seed(int(seeds[2]))
    AccessRandom.sample_seed = int(seeds[3])
