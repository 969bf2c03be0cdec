"""AverageBuffersHook on two real processes."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import EMAHook

from mmvg.engine.hooks import AverageBuffersHook


def runner_of(model, iteration=0):
    average = EMAHook()
    average.ema_model = torch.nn.BatchNorm1d(2)
    average.ema_model.running_var.copy_(model.running_var)
    return SimpleNamespace(iter=iteration, max_iters=5, model=model, hooks=[average])


def make_equal(rank):
    model = torch.nn.BatchNorm1d(2)
    model.running_mean.fill_(rank)
    model.running_var.fill_(3 * rank)
    model.num_batches_tracked.fill_(7 + rank)
    runner = runner_of(model)
    AverageBuffersHook().before_val_epoch(runner)
    assert model.running_mean.tolist() == [0.5, 0.5]
    assert model.running_var.tolist() == [1.5, 1.5]
    assert int(model.num_batches_tracked) == 7
    assert runner.hooks[0].ema_model.running_var.tolist() == [1.5, 1.5]
    model.running_mean.fill_(rank)
    hook = AverageBuffersHook(interval=3)
    seen = []
    for iteration in range(4):
        hook.after_train_iter(runner_of(model, iteration), iteration)
        seen.append(model.running_mean[0].item())
    assert seen == [rank, rank, 0.5, 0.5]


def test_two_processes_get_the_mean_before_a_validation_and_at_the_interval(run_in_processes):
    run_in_processes(make_equal, 2)


def test_one_process_keeps_its_own():
    model = torch.nn.BatchNorm1d(2)
    model.running_mean.fill_(3)
    AverageBuffersHook(1).after_train_iter(runner_of(model), 0)
    assert model.running_mean.tolist() == [3, 3]
    with pytest.raises(ValueError, match='interval'):
        AverageBuffersHook(0)
