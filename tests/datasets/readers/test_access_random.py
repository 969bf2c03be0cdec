from collections import Counter
from functools import partial

import pytest
import torch
from mmengine.dataset import worker_init_fn
from torch.utils.data import DataLoader, Dataset

from mmvg.datasets.readers.access_random import AccessRandom


class Draws(Dataset):
    """Each item is a number drawn at access."""

    def __init__(self, rank: int = 0) -> None:
        self.random = AccessRandom()
        self.random.rank = rank

    def __len__(self) -> int:
        return 16

    def __getitem__(self, idx: int) -> int:
        return self.random.integer(1000)


def epochs(seed: int, workers: int, rank: int = 0, persistent: bool = False, number: int = 2) -> list[list[int]]:
    """What a loader as MMEngine builds it gives in each epoch of a run with ``seed``."""
    torch.manual_seed(seed)
    loader = DataLoader(
        Draws(rank),
        batch_size=4,
        num_workers=workers,
        persistent_workers=persistent,
        worker_init_fn=partial(worker_init_fn, num_workers=workers, rank=rank, seed=seed) if workers else None,
    )
    return [[int(value) for batch in loader for value in batch] for _ in range(number)]


@pytest.mark.parametrize(('workers', 'persistent'), [(0, False), (2, False), (2, True)])
def test_epochs_differ_and_a_seed_repeats_the_run(workers, persistent):
    first, second = epochs(3, workers, persistent=persistent)
    assert first != second
    assert [first, second] == epochs(3, workers, persistent=persistent)
    assert first != epochs(4, workers, persistent=persistent, number=1)[0]


def test_workers_differ():
    (drawn,) = epochs(3, 2, number=1)
    assert drawn[0:4] != drawn[4:8]  # the first batches of the two workers


@pytest.mark.parametrize('workers', [0, 2])
def test_ranks_differ_although_they_share_the_seed(workers):
    assert epochs(3, workers, rank=0, number=1) != epochs(3, workers, rank=1, number=1)


def test_draws_are_uniform():
    torch.manual_seed(0)
    random = AccessRandom()
    counts = Counter(random.integer(3) for _ in range(3000))
    assert set(counts) == {0, 1, 2}
    assert all(abs(count - 1000) < 130 for count in counts.values())  # 5 standard deviations of 26
