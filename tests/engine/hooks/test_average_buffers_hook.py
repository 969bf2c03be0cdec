"""AverageBuffersHook on two real processes."""

from types import SimpleNamespace

import pytest
import torch

from mmvg.engine.hooks import AverageBuffersHook


def average(rank):
    model = torch.nn.BatchNorm1d(2)
    hook = AverageBuffersHook(interval=3)
    seen = []
    for iteration in range(5):
        model.running_mean.fill_(rank + iteration)
        model.num_batches_tracked.fill_(rank)
        hook.after_train_iter(SimpleNamespace(iter=iteration, max_iters=5, model=model), iteration)
        seen.append((model.running_mean.tolist(), int(model.num_batches_tracked)))
    assert seen == [([rank + i + (0.5 - rank if i in (2, 4) else 0)] * 2, rank) for i in range(5)], seen


def test_two_processes_get_the_mean_at_the_interval_and_at_the_end(run_in_processes):
    run_in_processes(average, 2)


def test_one_process_keeps_its_own():
    model = torch.nn.BatchNorm1d(2)
    model.running_mean.fill_(3)
    AverageBuffersHook(1).after_train_iter(SimpleNamespace(iter=0, max_iters=1, model=model), 0)
    assert model.running_mean.tolist() == [3, 3]
    with pytest.raises(ValueError, match='interval'):
        AverageBuffersHook(0)
