"""What is drawn for a sample depends on seed, pass and place, and on nothing else."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.dataset import DefaultSampler, InfiniteSampler
from torch.utils.data import BatchSampler, DataLoader
from toy_run import ToyNumbers

from mmvg.datasets.readers import AccessRandom
from mmvg.engine.batch_stream import NumberedBatches, numbered_loader


@pytest.fixture(autouse=True)
def unset_sample_seed():
    yield
    AccessRandom.sample_seed = None


def loader(workers, batch_size=2, persistent=False):
    data = ToyNumbers()
    sampler = DefaultSampler(data, seed=5)
    return numbered_loader(
        DataLoader(data, batch_size, sampler=sampler, num_workers=workers, persistent_workers=persistent), seed=9
    )


def batches(source, number=0, start=0):
    source.batch_sampler.begin(number, start)
    return torch.cat(list(source))


@pytest.mark.slow
def test_samples_are_the_same_with_any_number_of_workers_and_from_any_batch_on():
    whole = batches(loader(1))
    assert len(whole) == 8
    assert whole.unique().numel() == 8 * 5
    assert torch.equal(batches(loader(3)), whole)
    assert torch.equal(batches(loader(2), start=1), whole[2:])
    kept = loader(2, persistent=True)
    assert not torch.equal(batches(kept, number=1), whole)
    assert torch.equal(batches(kept), whole)


def test_places_count_the_samples_of_all_processes(monkeypatch):
    def places(rank, processes, batch_size):
        monkeypatch.setattr('mmvg.engine.batch_stream.get_dist_info', lambda: (rank, processes))
        data = list(range(8))
        batches = BatchSampler(data[rank::processes], batch_size, drop_last=False)
        return [each for batch in NumberedBatches(batches, seed=0) for each in batch]

    alone = places(0, 1, 4)
    assert [place for _, (_, _, place) in alone] == list(range(8))
    assert sorted(places(0, 2, 2) + places(1, 2, 2)) == alone


def test_an_endless_sampler_begins_where_it_is_told():
    sampler = InfiniteSampler(range(6), seed=1)
    batches = NumberedBatches(BatchSampler(sampler, 2, drop_last=True), seed=0)
    assert batches.is_infinite

    def first(start, count):
        batches.begin(0, start)
        return [[index for index, _ in batch] for _, batch in zip(range(count), batches, strict=False)]

    assert first(5, 3) == first(0, 8)[5:]


def test_the_dataset_shows_its_own_attributes():
    source = loader(0)
    assert source.dataset.bad is None
    assert len(source.dataset) == 8
    with pytest.raises(AttributeError):
        _ = source.dataset.nothing


def test_the_sampler_learns_the_number_of_the_pass():
    seen = []
    sampler = SimpleNamespace(set_epoch=seen.append)
    NumberedBatches(SimpleNamespace(sampler=sampler), seed=0).begin(4, 0)
    assert seen == [4]
