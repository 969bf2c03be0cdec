"""What may happen to a run of one process: killed, out of disk, memory or numbers. It goes on with the same bits."""

import os
import random
import resource
import signal
import time
from pathlib import Path

import pytest
import torch
import toy_run
from forks import Fork, gone
from mmengine.fileio import LocalBackend
from mmengine.hooks import Hook
from small_runs import ROOT, Command, difference
from toy_run import Slow

from mmvg import whole_files
from mmvg.weights.latest import latest_checkpoint

pytestmark = pytest.mark.faults
ITERATIONS = 12


def settings(folder, resume=False, **more):
    cfg = toy_run.config(folder, iterations=ITERATIONS, max_keep_ckpts=1, **more)
    cfg.update(resume=resume, log_level='WARNING')
    return cfg


def final(folder):
    checkpoint = torch.load(folder / f'iter_{ITERATIONS}.pth', weights_only=False)
    info = checkpoint['message_hub']['runtime_info']
    kept = [checkpoint[key] for key in ('state_dict', 'optimizer', 'param_schedulers')]
    return [*kept, checkpoint['run']['generators'], info['best_score']]


@pytest.fixture(scope='module')
def undisturbed(tmp_path_factory):
    """Function: the last state of a run to which nothing happens."""
    known = {}

    def state(workers=0):
        if workers not in known:
            folder = tmp_path_factory.mktemp('undisturbed')
            fork = Fork(lambda: toy_run.run(settings(folder / 'run', workers=workers)), folder / 'log')
            assert fork.end() == 0, fork.text()
            known[workers] = final(folder / 'run')
        return known[workers]

    return state


def go_on(folder, expected, workers=0):
    """Resume, to the end: everything is as if nothing had happened."""
    fork = Fork(lambda: toy_run.run(settings(folder, resume=True, workers=workers)), folder.parent / 'log_resumed')
    assert fork.end() == 0, fork.text()
    assert difference(expected, final(folder)) is None
    assert not list(folder.glob('*.part'))
    return fork.text()


@pytest.mark.parametrize('seed', range(6))
def test_kill_9_at_any_moment(seed, undisturbed, tmp_path):
    folder, rng = tmp_path / 'run', random.Random(seed)
    for attempt in range(2):
        fork = Fork(lambda: toy_run.run(settings(folder, resume=True), hooks=(Slow(),)), tmp_path / f'log_{attempt}')
        if attempt == 0:
            fork.wait_for(folder / 'last_checkpoint')
        time.sleep(rng.uniform(0, 0.3))
        fork.send(signal.SIGKILL)
        assert fork.end() in (-signal.SIGKILL, 0)  # it may have been at its end already
        assert latest_checkpoint(folder) is not None
    go_on(folder, undisturbed())


@pytest.mark.parametrize('moment', ['half of the file', 'before the name', 'after the name'])
def test_kill_9_while_a_checkpoint_is_written(moment, undisturbed, tmp_path, monkeypatch):
    folder, saves = tmp_path / 'run', []

    def die():
        saves.append(1)
        if len(saves) == 5:
            os.kill(os.getpid(), signal.SIGKILL)

    if moment == 'half of the file':
        put = LocalBackend.put

        def half(self, content, path):
            put(self, content if len(saves) < 4 else content[: len(content) // 2], path)
            die()

        monkeypatch.setattr(LocalBackend, 'put', half)
    elif moment == 'before the name':
        flush = whole_files._flush
        monkeypatch.setattr(whole_files, '_flush', lambda path: (path.name.startswith('iter') and die(), flush(path)))
    else:
        save = toy_run.GroundingRunner.save_checkpoint
        monkeypatch.setattr(
            toy_run.GroundingRunner, 'save_checkpoint', lambda *args, **kwargs: (save(*args, **kwargs), die())
        )
    fork = Fork(lambda: toy_run.run(settings(folder)), tmp_path / 'log')
    assert fork.end() == -signal.SIGKILL
    monkeypatch.undo()
    assert latest_checkpoint(folder, lambda sentence: pytest.fail(sentence)) is not None
    go_on(folder, undisturbed())


def fill_disk(folder):
    """The limit of a process on the size of its files stands in for a disk with little room."""

    class Fill(Hook):
        def before_train_iter(self, runner, batch_idx, data_batch=None):
            if runner.iter == 6:
                limit = (folder / 'iter_6.pth').stat().st_size // 2
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    toy_run.run(settings(folder), hooks=(Fill(),))


def test_a_full_disk_ends_the_run_in_a_sentence_and_leaves_the_checkpoint_before(undisturbed, tmp_path):
    fork = Fork(lambda: fill_disk(tmp_path / 'run'), tmp_path / 'log')
    assert fork.end() == 2
    assert 'File too large' in fork.text()
    assert 'Traceback' not in fork.text()
    assert latest_checkpoint(tmp_path / 'run').name == 'iter_6.pth'
    go_on(tmp_path / 'run', undisturbed())


def test_numbers_that_stay_nan_end_the_run_with_their_own_code(tmp_path):
    class Poison(Hook):
        def before_train_iter(self, runner, batch_idx, data_batch=None):
            if runner.iter == 2:
                runner.model.weight.bias.register_hook(lambda gradient: gradient * torch.nan)

    def work():
        toy_run.run(toy_run.config(tmp_path / 'run', iterations=30, max_keep_ckpts=1), hooks=(Poison(),))

    fork = Fork(work, tmp_path / 'log')
    assert fork.end() == 3
    assert 'RunError: The loss or its gradient was infinite or NaN in 10 steps in a row' in fork.text()
    checkpoint = torch.load(latest_checkpoint(tmp_path / 'run'), weights_only=False)
    assert all(value.isfinite().all() for value in checkpoint['state_dict'].values())


@pytest.mark.parametrize(('number', 'code'), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize('workers', [0, 2])
def test_a_signal_saves_and_ends_with_its_own_code(workers, number, code, undisturbed, tmp_path):
    """It is sent to the workers too, as a terminal or a cluster does."""
    folder = tmp_path / 'run'
    fork = Fork(lambda: toy_run.run(settings(folder, workers=workers), hooks=(Slow(),)), tmp_path / 'log')
    fork.wait_for(folder / 'last_checkpoint')
    for pid in [*fork.children(), fork.pid]:
        os.kill(pid, number)
    assert fork.end() == code, fork.text()
    assert f'{number.name} after iteration' in fork.text() or 'no step has ended' in fork.text()
    go_on(folder, undisturbed(workers), workers)


def test_a_worker_that_is_killed_ends_the_run_in_a_sentence(undisturbed, tmp_path):
    folder = tmp_path / 'run'
    fork = Fork(lambda: toy_run.run(settings(folder, workers=2), hooks=(Slow(),)), tmp_path / 'log')
    fork.wait_for(folder / 'last_checkpoint')
    workers = [pid for pid in fork.children() if b'torch_shm' not in Path(f'/proc/{pid}/cmdline').read_bytes()]
    os.kill(workers[0], signal.SIGKILL)
    assert fork.end() == 4, fork.text()
    assert 'a worker that loads data (process' in fork.text()
    assert 'Traceback' not in fork.text()
    assert gone(workers)
    go_on(folder, undisturbed(2), 2)


def test_kill_9_leaves_no_worker_and_no_shared_memory(tmp_path):
    folder = tmp_path / 'run'
    fork = Fork(lambda: toy_run.run(settings(folder, workers=2), hooks=(Slow(),)), tmp_path / 'log')
    fork.wait_for(folder / 'last_checkpoint')
    workers = [pid for pid in fork.children() if b'torch_shm' not in Path(f'/proc/{pid}/cmdline').read_bytes()]
    assert len(workers) == 2
    fork.send(signal.SIGKILL)
    fork.end()
    assert gone(workers)
    end = time.monotonic() + 20
    while left := [path for pid in (fork.pid, *workers) for path in Path('/dev/shm').glob(f'torch_{pid}_*')]:
        assert time.monotonic() < end, left
        time.sleep(0.1)


def test_the_command_ends_with_143_and_goes_on(refshapes_tiny, tmp_path):
    """All of ``tools/train.py`` on a shipped config, in a process of its own."""
    options = [
        f'data_root={refshapes_tiny}',
        f'vocab_file={refshapes_tiny}/vocab.txt',
        'default_hooks.checkpoint.interval=1',
        'train_cfg.val_interval=1000',
    ]
    folder = tmp_path / 'run'
    command = Command(ROOT / 'configs/instancevg/tiny.py', folder, '--cfg-options', *options, 'iterations=1000')
    command.wait_for('last_checkpoint')
    command.send(signal.SIGTERM)
    code, text = command.end()
    assert code == 143, text[-2000:]
    assert 'is saved, --resume goes on from there' in text
    done = int(latest_checkpoint(folder).stem.split('_')[1])
    command = Command(
        ROOT / 'configs/instancevg/tiny.py', folder, '--resume', '--cfg-options', *options, f'iterations={done + 1}'
    )
    code, text = command.end(timeout=120)
    assert code == 0, text[-2000:]
    assert f'Iter(train) [{done + 1}/{done + 1}]' in text
