"""AverageBuffersHook on two real processes."""

import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch

from mmvg.engine.hooks import AverageBuffersHook

SCRIPT = """
import sys
from types import SimpleNamespace
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from mmvg.engine.hooks import AverageBuffersHook

def run(rank, folder):
    dist.init_process_group('gloo', init_method=f'file://{folder}/rendezvous', rank=rank, world_size=2)
    model = torch.nn.BatchNorm1d(2)
    hook = AverageBuffersHook(interval=3)
    seen = []
    for iteration in range(5):
        model.running_mean.fill_(rank + iteration)
        model.num_batches_tracked.fill_(rank)
        hook.after_train_iter(SimpleNamespace(iter=iteration, max_iters=5, model=model), iteration)
        seen.append((model.running_mean.tolist(), int(model.num_batches_tracked)))
    assert seen == [([rank + i + (0.5 - rank if i in (2, 4) else 0)] * 2, rank) for i in range(5)], seen
    dist.barrier()
    dist.destroy_process_group()

if __name__ == '__main__':
    mp.start_processes(run, (sys.argv[1],), nprocs=2, start_method='fork')
"""


def test_two_processes_get_the_mean_at_the_interval_and_at_the_end(tmp_path):
    (tmp_path / 'script.py').write_text(SCRIPT)
    command = [sys.executable, str(tmp_path / 'script.py'), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr


def test_one_process_keeps_its_own():
    model = torch.nn.BatchNorm1d(2)
    model.running_mean.fill_(3)
    AverageBuffersHook(1).after_train_iter(SimpleNamespace(iter=0, max_iters=1, model=model), 0)
    assert model.running_mean.tolist() == [3, 3]
    with pytest.raises(ValueError, match='interval'):
        AverageBuffersHook(0)
