"""A signal ends a run behind a step, with everything saved."""

import os
import signal
import time

import pytest
import torch
import toy_run
from mmengine.hooks import Hook
from small_runs import difference

from mmvg.engine.errors import StopRun
from mmvg.weights.latest import latest_checkpoint

pytestmark = pytest.mark.slow  # a signal to the process of the tests themselves


class Send(Hook):
    """Sends this process a signal at a stage of the run."""

    def __init__(self, number, stage, iteration, rank=0):
        self.number, self.iteration = number, iteration
        setattr(self, stage, self._send)

    def _send(self, runner, *_, **__):
        if runner.iter == self.iteration:
            self.iteration = None
            os.kill(os.getpid(), self.number)


def final(folder, iteration):
    checkpoint = torch.load(folder / f'iter_{iteration}.pth', weights_only=False)
    return [checkpoint[key] for key in ('state_dict', 'optimizer', 'param_schedulers')] + [
        checkpoint['run']['generators']
    ]


@pytest.mark.parametrize(
    ('number', 'code', 'stage', 'iteration', 'saved'),
    [
        (signal.SIGTERM, 143, 'before_train_iter', 1, 2),
        (signal.SIGINT, 130, 'before_train_iter', 3, 4),
        (signal.SIGTERM, 143, 'before_val_iter', 3, 3),  # in the middle of the validation after step 3
    ],
)
@pytest.mark.parametrize('average', [False, True])
def test_the_run_saves_ends_with_its_own_code_and_goes_on(number, code, stage, iteration, saved, average, tmp_path):
    def cfg(name):
        made = toy_run.config(tmp_path / name, iterations=6, interval=5, max_keep_ckpts=2)
        made.custom_hooks = [dict(type='EMAHook', momentum=0.1)] if average else []
        return made

    toy_run.run(cfg('whole'))
    handler = signal.getsignal(number)
    with pytest.raises(StopRun) as end:
        toy_run.run(cfg('stopped'), hooks=(Send(number, stage, iteration),))
    assert end.value.code == code
    assert signal.getsignal(number) is handler
    assert latest_checkpoint(tmp_path / 'stopped').name == f'iter_{saved}.pth'
    resumed = cfg('stopped')
    resumed.resume = True
    toy_run.run(resumed)
    assert difference(final(tmp_path / 'whole', 6), final(tmp_path / 'stopped', 6)) is None


def stop_both(rank, folder):
    cfg = toy_run.config(folder, iterations=60, interval=50, save_best=None)
    hooks = (Send(signal.SIGTERM, 'before_train_iter', 7),) if rank == 1 else ()
    with pytest.raises(StopRun) as end:
        toy_run.run(cfg, hooks=hooks)
    assert end.value.code == 143


def test_all_processes_end_behind_the_same_step_when_one_gets_the_signal(run_in_processes, tmp_path):
    run_in_processes(stop_both, 2, tmp_path)
    assert [path.name for path in tmp_path.glob('*.pth')] == ['iter_8.pth']


def test_a_signal_waits_for_gradients_that_are_collected(tmp_path):
    cfg = toy_run.config(tmp_path, iterations=6, interval=5)
    cfg.optim_wrapper.accumulative_counts = 2
    with pytest.raises(StopRun):
        toy_run.run(cfg, hooks=(Send(signal.SIGTERM, 'before_train_iter', 2),))
    assert latest_checkpoint(tmp_path).name == 'iter_4.pth'


class Hang(Hook):
    """Waits for a batch that never comes."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == 3:
            time.sleep(60)


def test_a_step_that_does_not_end_after_sigterm_ends_the_run_with_what_it_has(tmp_path, monkeypatch):
    monkeypatch.setattr('mmvg.engine.hooks.stop_hook._SECONDS_FOR_STEP', 1)
    handler, start = signal.getsignal(signal.SIGALRM), time.monotonic()
    cfg = toy_run.config(tmp_path, iterations=6, interval=1, max_keep_ckpts=2)
    with pytest.raises(StopRun) as end:
        toy_run.run(cfg, hooks=(Send(signal.SIGTERM, 'before_train_iter', 3), Hang()))
    assert end.value.code == 143
    assert time.monotonic() - start < 30
    assert signal.getsignal(signal.SIGALRM) is handler
    assert latest_checkpoint(tmp_path).name == 'iter_3.pth'
