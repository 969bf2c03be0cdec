"""A run of the Runner that takes no time: eight numbers, a model of two weights with dropout and BatchNorm."""

import itertools
import os
import random
import time
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dist import get_rank, is_distributed
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, METRICS, MODELS
from torch import nn

from mmvg.datasets.readers import AccessRandom
from mmvg.engine.runner import GroundingRunner

_count = itertools.count()


@DATASETS.register_module()
class ToyNumbers(torch.utils.data.Dataset):
    """Numbers 0 to 7, or another last one, and what four generators draw when one is accessed."""

    def __init__(self, bad: int | None = None, length: int = 8) -> None:
        self.bad = bad
        self.length = length
        self.random = AccessRandom()

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> torch.Tensor:
        drawn = [random.random(), np.random.rand(), float(torch.rand(())), self.random.integer(10**6) / 10**6]
        return torch.tensor([float('nan') if index == self.bad else index / 8, *drawn])


@MODELS.register_module()
class ToyModel(BaseModel):
    """One weight of the number, one of what was drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(5)
        self.weight = nn.Linear(5, 1)
        self.drop = nn.Dropout(0.5)
        self.generator = torch.Generator().manual_seed(7)
        self.seen = []

    def forward(self, inputs: torch.Tensor, mode: str = 'loss'):
        if mode == 'predict':
            return [self.weight(self.norm(inputs)).sum()] * len(inputs)
        self.seen.append(inputs.clone())
        noise = torch.rand((), generator=self.generator)
        return dict(loss=(self.weight(self.drop(self.norm(inputs))) - noise).square().mean())

    def data_preprocessor(self, data, training=False):
        return dict(inputs=torch.stack(list(data)))


@METRICS.register_module()
class ToyMetric(BaseMetric):
    """The sum of the answers, which rises or falls."""

    default_prefix = 'toy'

    def process(self, data_batch, data_samples) -> None:
        self.results += [float(sample) for sample in data_samples]

    def compute_metrics(self, results: list) -> dict[str, float]:
        return dict(sum=sum(results))


class Slow(Hook):
    """Gives a test time to hit a step."""

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        time.sleep(0.02)


def config(
    work_dir: Path,
    *,
    iterations: int = 6,
    epochs: int | None = None,
    workers: int = 0,
    batch_size: int = 2,
    bad: int | None = None,
    **checkpoint,
) -> Config:
    """The config of a run that saves at every iteration and validates every three, or after each epoch.

    Args:
        work_dir: Of the run.
        iterations: In all.
        epochs: Train for so many epochs of four iterations instead.
        workers: Of the loader of training.
        batch_size: Of each process.
        bad: A sample that is NaN.
        checkpoint: More settings of the hook.
    """
    loader = dict(batch_size=2, sampler=dict(type='DefaultSampler', shuffle=False), dataset=dict(type='ToyNumbers'))
    train = dict(batch_size=batch_size, num_workers=workers, sampler=dict(type='DefaultSampler', shuffle=True))
    loop = dict(by_epoch=False, max_iters=iterations, val_interval=3)
    hook = dict(type='CheckpointHook', by_epoch=False, interval=1, save_best='toy/sum', rule='greater')
    settings = dict(
        model=dict(type='ToyModel'),
        work_dir=str(work_dir),
        train_dataloader=train | dict(dataset=dict(type='ToyNumbers', bad=bad)),
        val_dataloader=loader,
        val_evaluator=dict(type='ToyMetric'),
        train_cfg=dict(by_epoch=True, max_epochs=epochs) if epochs else loop,
        val_cfg={},
        optim_wrapper=dict(optimizer=dict(type='Adam', lr=0.1)),
        param_scheduler=[dict(type='ExponentialLR', gamma=0.9, by_epoch=False)],
        default_hooks=dict(checkpoint=hook | checkpoint),
        randomness=dict(seed=3),
        log_level='ERROR',
        experiment_name=f'toy{os.getpid()}_{next(_count)}',
    )
    return Config(settings)


def run(cfg: Config, hooks: tuple = ()) -> GroundingRunner:
    """Train, in the group of processes if there is one; ``hooks`` are added at the lowest priority."""
    if is_distributed():
        cfg.launcher = 'pytorch'
        os.environ['LOCAL_RANK'] = str(get_rank())
    MMLogger._instance_dict.clear()
    runner = GroundingRunner.from_cfg(cfg)
    for hook in hooks:
        runner.register_hook(hook, 'LOWEST')
    runner.train()
    return runner
