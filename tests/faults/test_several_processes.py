"""What may happen to one of several processes: the others do not wait for it."""

import os
import signal
import subprocess
import sys
import time

import pytest
import toy_run
from forks import fork_ranks, gone, is_running
from toy_run import Slow

pytestmark = pytest.mark.faults


def work(folder, interval=0.3):
    cfg = toy_run.config(folder, iterations=100_000, interval=5, max_keep_ckpts=1)
    cfg.update(launcher='pytorch', log_level='WARNING')
    cfg.default_hooks.heartbeat = dict(type='mmvg.HeartbeatHook', interval=interval, patience=4)
    toy_run.run(cfg, hooks=(Slow(),))


def start(folder, **settings):
    forks = fork_ranks(lambda: work(folder / 'run', **settings), 2, folder / 'log')
    forks[0].wait_for(folder / 'run/last_checkpoint')
    return forks


@pytest.mark.parametrize('victim', [0, 1])
def test_a_rank_that_is_killed_ends_the_other(victim, tmp_path):
    forks = start(tmp_path)
    other = forks[1 - victim]
    forks[victim].send(signal.SIGKILL)
    forks[victim].end()
    assert other.end(timeout=60) == 4, other.text()
    assert 'RunError: ' in other.text()
    assert 'Traceback' not in other.text()


def test_a_rank_that_is_stopped_ends_the_other_which_names_it(tmp_path):
    forks, victim = start(tmp_path), 1
    other = forks[1 - victim]
    forks[victim].send(signal.SIGSTOP)
    try:
        assert other.end(timeout=60) == 4, other.text()
    finally:
        forks[victim].send(signal.SIGKILL)
        forks[victim].end()
    assert f'RunError: rank {victim}' in other.text()
    assert f'(process {forks[victim].pid}, which is stopped) has not been heard of' in other.text()


AGENT = """
import sys
import torch.distributed.run
torch.distributed.run.main(['--nproc_per_node=2', '--rdzv-backend=c10d', '--rdzv-endpoint=localhost:0', {script!r}])
"""
RANK = """
import os, sys
from pathlib import Path
sys.path[:0] = [{tests!r}, {root!r}]
import toy_run
Path(f'{{sys.argv[0]}}.{{os.environ["RANK"]}}').write_text(str(os.getpid()))
cfg = toy_run.config(Path({folder!r}), iterations=100_000, interval=5, max_keep_ckpts=1)
cfg.launcher = 'pytorch'
toy_run.run(cfg, hooks=(toy_run.Slow(),))
"""


def test_kill_9_of_torchrun_ends_its_ranks(tmp_path, request):
    tests = request.config.rootpath / 'tests'
    script = tmp_path / 'rank.py'
    script.write_text(RANK.format(tests=str(tests), root=str(request.config.rootpath), folder=str(tmp_path / 'run')))
    agent = subprocess.Popen(
        [sys.executable, '-c', AGENT.format(script=str(script))],
        env=dict(os.environ, OMP_NUM_THREADS='1', PYTHONWARNINGS='ignore'),
        stdout=(tmp_path / 'log').open('w'),
        stderr=subprocess.STDOUT,
    )
    end = time.monotonic() + 120
    while not (tmp_path / 'run/last_checkpoint').exists():
        assert agent.poll() is None, (tmp_path / 'log').read_text()[-3000:]
        assert time.monotonic() < end, (tmp_path / 'log').read_text()[-3000:]
        time.sleep(0.05)
    ranks = [int((tmp_path / f'rank.py.{rank}').read_text()) for rank in range(2)]
    assert all(map(is_running, ranks))
    agent.kill()
    agent.wait()
    assert gone(ranks, timeout=60)
