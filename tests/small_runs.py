"""Small runs for the fault suite: the tiny systems on RefShapes, in this process, in several, or as a command."""

import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from shipped_configs import drawn_folder, on_drawn_data, read

from mmvg.config import runner_config
from mmvg.engine.runner import GroundingRunner

ROOT = Path(__file__).parents[1]
_count = itertools.count()


def config(
    system: str,
    data: Path,
    work_dir: Path,
    *,
    iterations: int = 6,
    workers: int = 0,
    persistent: bool = False,
    by_epoch: bool = False,
    batch_size: int = 2,
    options: str = '',
) -> Config:
    """The tiny config of ``system`` on eight samples, with a checkpoint at every iteration and validation at the end.

    Args:
        system: A folder of ``configs/``.
        data: RefShapes of size tiny.
        work_dir: Of the run.
        iterations: In all; with ``by_epoch`` rounded up to epochs.
        workers: Of the loader of training.
        persistent: Whether they live through all epochs.
        by_epoch: Train by epochs; the checkpoints are still by iterations.
        batch_size: Of each process.
        options: As after ``--cfg-options``.
    """
    cfg = on_drawn_data(read(f'{system}/tiny.py', options), data, batch_size, drawn_folder(system))
    cfg.train_dataloader.update(num_workers=workers, persistent_workers=persistent)
    for dataset in cfg.train_dataloader.dataset.get('datasets', [cfg.train_dataloader.dataset]):
        dataset.indices = 8
    for loader in (cfg.val_dataloader, cfg.test_dataloader):
        loader.dataset.indices = 4
    cfg.default_hooks.checkpoint.update(by_epoch=False, interval=1, max_keep_ckpts=-1)
    if by_epoch:
        per_epoch = 8 // batch_size
        cfg.train_cfg = dict(by_epoch=True, max_epochs=-(-iterations // per_epoch), val_interval=1)
    else:
        cfg.train_cfg.update(max_iters=iterations, val_interval=4)
    cfg = runner_config(cfg)
    cfg.work_dir = str(work_dir)
    cfg.experiment_name = f'fault{os.getpid()}_{next(_count)}'  # a message hub and a logger of its own
    cfg.log_level = 'WARNING'
    return cfg


def train(cfg: Config, resume: Path | None = None) -> GroundingRunner:
    """Train in this process; from ``resume``, which is copied into the work dir as a killed run would have left it."""
    if resume is not None:
        work_dir = Path(cfg.work_dir)
        work_dir.mkdir(parents=True, exist_ok=True)
        shutil.copy(resume, work_dir)
        (work_dir / 'last_checkpoint').write_text(resume.name)
        cfg.resume = True
    MMLogger._instance_dict.clear()
    runner = GroundingRunner.from_cfg(cfg)
    runner.train()
    return runner


def state(file: Path) -> dict:
    """What of a checkpoint has to be the same after a run was interrupted: all but times, paths and the config."""
    checkpoint = torch.load(file, weights_only=False)
    info = checkpoint['message_hub']['runtime_info']
    kept = ('best_score', 'epoch', 'iter', 'scored_iter', 'skipped_steps')
    logged = {
        name: buffer._log_history.tolist()
        for name, buffer in checkpoint['message_hub']['log_scalars'].items()
        if 'time' not in name
    }
    return dict(
        weights=checkpoint['state_dict'],
        average=checkpoint.get('ema_state_dict'),
        optimizer=checkpoint['optimizer'],
        schedulers=[{**each, 'verbose': None} for each in checkpoint['param_schedulers']],
        generators=checkpoint['run']['generators'],
        place=(checkpoint['meta']['epoch'], checkpoint['meta']['iter']),
        info={key: info[key] for key in kept if key in info},
        logged=logged,
    )


def difference(one: object, other: object, name: str = '') -> str | None:
    """Where two states differ first, to the bit; None if nowhere."""
    if isinstance(one, torch.Tensor):
        same = isinstance(other, torch.Tensor) and one.dtype == other.dtype and torch.equal(one, other)
        return None if same else name
    if isinstance(one, dict) and isinstance(other, dict):
        if one.keys() != other.keys():
            return f'{name}: {set(one) ^ set(other)}'
        pairs = [(each, one[each], other[each]) for each in one]
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple):
        if len(one) != len(other):
            return f'{name}: {len(one)} and {len(other)} entries'
        pairs = [(index, *pair) for index, pair in enumerate(zip(one, other, strict=True))]
    else:
        return None if one == other or (one != one and other != other) else f'{name}: {one!r} and {other!r}'
    found = (difference(left, right, f'{name}.{key}') for key, left, right in pairs)
    return next((each for each in found if each is not None), None)


class Command:
    """``tools/train.py`` in a process of its own.

    Args:
        config: A file.
        work_dir: Of the run.
        arguments: More words of the command line.
        code: Python that runs before the tool, to break something.
    """

    def __init__(self, config: Path, work_dir: Path, *arguments: str, code: str = '') -> None:
        self.work_dir = work_dir
        words = [str(config), '--work-dir', str(work_dir), *arguments]
        program = (
            f'import sys, runpy; sys.path[:0] = [{str(ROOT)!r}]\n{code}\nsys.argv = ["train.py", *{words!r}]\n'
            f'runpy.run_path({str(ROOT / "tools/train.py")!r}, run_name="__main__")'
        )
        environment = dict(os.environ, OMP_NUM_THREADS='1', PYTHONWARNINGS='ignore', PYTHONPATH=str(ROOT))
        self.process = subprocess.Popen(
            [sys.executable, '-c', program],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        )

    def wait_for(self, name: str, timeout: float = 90) -> Path:
        """Return the file of the work dir once it is there."""
        file, end = self.work_dir / name, time.monotonic() + timeout
        while not file.exists():
            assert self.process.poll() is None, self.process.communicate()[0][-3000:]
            assert time.monotonic() < end, f'{name} has not appeared'
            time.sleep(0.02)
        return file

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self, timeout: float = 60) -> tuple[int, str]:
        """Exit code and what it has printed."""
        try:
            text = self.process.communicate(timeout=timeout)[0]
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f'it hangs: {self.process.communicate()[0][-2000:]}') from None
        return self.process.returncode, text
