"""Expressions of an image stand together in a batch, and an epoch still has every sample once."""

from collections import Counter
from itertools import chain

import numpy as np
import pytest
import toy_run
from mmengine.dataset import DefaultSampler
from small_runs import config, difference, state, train

from mmvg.apis import Modes
from mmvg.config import ConfigError, check_config
from mmvg.engine import SharedImageBatchSampler
from mmvg.engine.batch_stream import NumberedBatches

#: Expressions of each image.
SIZES = [1, 2, 3, 4, 5, 7, 12, 1, 6, 4]


class Expressions(list):
    """Items in file order."""

    get_data_info = list.__getitem__


DATA = Expressions(dict(img_path=f'{image}.jpg') for image, size in enumerate(SIZES) for _ in range(size))


def batches(most=4, batch_size=4, epoch=0, rank=0, processes=1, start=0, **settings):
    sampler = DefaultSampler(DATA, seed=3)
    sampler.rank, sampler.world_size = rank, processes
    sampler.num_samples = -(-len(DATA) // processes)
    sampler.total_size = sampler.num_samples * processes
    found = SharedImageBatchSampler(sampler, batch_size, most, **settings)
    numbered = NumberedBatches(found, seed=9)
    numbered.begin(epoch, start)
    made = list(numbered)
    assert len(found) == len(made) + start
    return made


def indices(made):
    return [[index for index, _ in batch] for batch in made]


@pytest.mark.parametrize('most', [1, 2, 4, 20])
@pytest.mark.parametrize('batch_size', [3, 4, 100])
def test_a_pass_has_every_sample_once(most, batch_size):
    for epoch in range(3):
        made = indices(batches(most, batch_size, epoch))
        assert sorted(chain(*made)) == list(range(len(DATA)))
        assert {len(batch) for batch in made[:-1]} <= {batch_size}


@pytest.mark.parametrize('most', [2, 4])
def test_a_batch_has_as_few_images_as_groups_and_one_that_is_cut(most):
    made = indices(batches(most, batch_size=8))
    per_batch = [Counter(DATA[index]['img_path'] for index in batch) for batch in made]
    groups = sum(-(-size // most) for size in SIZES)
    assert sum(map(len, per_batch)) <= groups + len(made) - 1
    alone = indices(batches(1, batch_size=8))
    assert sum(map(len, per_batch)) < sum(len({DATA[index]['img_path'] for index in batch}) for batch in alone)


def test_the_order_depends_on_the_seed_and_the_pass_and_on_nothing_else():
    first, again, next_pass = (indices(batches(epoch=epoch)) for epoch in (0, 0, 1))
    assert first == again
    assert first != next_pass
    assert batches(epoch=1, start=3) == batches(epoch=1)[3:]


@pytest.mark.parametrize('epoch', [0, 5])
def test_a_step_takes_the_same_samples_at_the_same_places_in_any_number_of_processes(epoch):
    alone = batches(batch_size=8, epoch=epoch, drop_last=True)
    ranks = [batches(batch_size=4, epoch=epoch, rank=rank, processes=2, drop_last=True) for rank in (0, 1)]
    assert len(alone) == len(DATA) // 8
    assert [left + right for left, right in zip(*ranks, strict=True)][: len(alone)] == alone


def test_all_processes_have_as_many_batches_and_together_every_sample():
    ranks = [indices(batches(batch_size=4, rank=rank, processes=4)) for rank in range(4)]
    assert [[len(batch) for batch in made] for made in ranks] == [[4, 4, 4]] * 4
    counts = Counter(index for made in ranks for batch in made for index in batch)
    assert set(counts) == set(range(len(DATA)))
    assert sum(counts.values()) == 48  # 45, and the first three again


def test_samples_that_are_not_shuffled_or_tell_no_image_are_refused():
    with pytest.raises(ValueError, match='where a DefaultSampler shuffles'):
        SharedImageBatchSampler(DefaultSampler(DATA, shuffle=False), 4, 2)
    with pytest.raises(ValueError, match='1 or more, not 0'):
        SharedImageBatchSampler(DefaultSampler(DATA), 4, 0)
    with pytest.raises(ValueError, match='ToyNumbers does not tell which image'):
        SharedImageBatchSampler(DefaultSampler(toy_run.ToyNumbers()), 4, 2)


@pytest.mark.parametrize('system', ['lavt', 'instancevg'])
def test_the_flag_goes_with_every_config(system, refshapes_tiny, tmp_path):
    cfg = config(system, refshapes_tiny, tmp_path)
    cfg.train_dataloader.drop_last = True
    Modes(expressions_per_image=4).apply(cfg)
    check_config(cfg)
    assert cfg.train_dataloader.batch_sampler.expressions_per_image == 4
    assert cfg.train_dataloader.batch_sampler.drop_last
    assert 'drop_last' not in cfg.train_dataloader
    cfg.train_dataloader.sampler.shuffle = False
    with pytest.raises(ConfigError, match='DefaultSampler that shuffles'):
        Modes(expressions_per_image=4).apply(cfg)


def test_a_run_shares_images_and_goes_on_with_the_same_bits(refshapes_tiny, tmp_path, monkeypatch):
    """Four batches of four a pass, two iterations of the next; it is interrupted in the middle of the first."""
    from mmvg.models.backbones import StagedEncoder

    shared, forward = [], StagedEncoder.forward

    def noted(self, images, input_ids, *more, **options):
        shared.append((self.training, len(images), len(input_ids)))
        return forward(self, images, input_ids, *more, **options)

    monkeypatch.setattr(StagedEncoder, 'forward', noted)

    def run(name, resume=None):
        cfg = config('lavt', refshapes_tiny, tmp_path / name, iterations=6, batch_size=4)
        cfg.train_dataloader.dataset.indices = 16
        Modes(expressions_per_image=4).apply(cfg)
        train(cfg, resume)
        return state(tmp_path / name / 'iter_6.pth')

    whole = run('whole')
    images, texts = np.array([counts for training, *counts in shared if training]).sum(0)
    assert (images < texts).all()
    assert images <= 0.7 * texts
    assert difference(whole, run('resumed', tmp_path / 'whole/iter_2.pth')) is None
