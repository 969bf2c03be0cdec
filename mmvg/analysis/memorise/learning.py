"""Learn scenes by heart, and answer about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from torch import nn

from mmvg.analysis.memorise.limits import best_masks, logit_grid
from mmvg.analysis.memorise.measures import mask_iou, measure, measure_moves, true_mask
from mmvg.config import read_config
from mmvg.engine.optimizers import MuonAdamW
from mmvg.models.backbones import ConvTower
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample


@dataclass(frozen=True)
class Recipe:
    """How a model learns by heart.

    Args:
        steps: Of training, all of them on all scenes.
        lr: Learning rate of Muon and AdamW, which warms up and comes down along a cosine.
        options: Settings of the config.
        seed: Of the weights.
    """

    steps: int = 250
    lr: float = 6e-3
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0


def config_for(path: str | Path, size: int, vocab_file: str | Path, options: Mapping[str, Any] | None = None) -> Config:
    """Read the config of a small model for the scenes, with inputs of ``size`` pixels a side.

    Lengths of grasps, which are in pixels of the input, grow with it. A model that needs whole cells gets the next
    smaller size that has them.
    """
    cfg = read_config(path)
    image = cfg.model.backbone.get('image', {})
    if image.get('type') is ConvTower:
        size -= size % prod(image.strides)
    settings = dict(size=size, vocab_file=str(vocab_file))
    if 'jaw_size' in cfg.model.head.postprocess:
        settings |= {'width_norm': 0.4 * size, 'model.head.postprocess.jaw_size': size / 8}
    return read_config(path, settings | dict(options or {}))


def build(cfg: Config, seed: int = 0) -> nn.Module:
    """The model of ``cfg`` with fresh weights."""
    torch.manual_seed(seed)
    model = MODELS.build(cfg.model)
    model.init_weights()
    return model


def load_samples(pipeline: Sequence[dict], items: Sequence[dict]) -> dict[str, list]:
    """A batch of ``items``, read by ``pipeline``: lists of ``inputs`` and ``data_samples``."""
    compose = Compose([dict(step) for step in pipeline])
    packed = [compose(dict(item)) for item in items]
    return dict(inputs=[one['inputs'] for one in packed], data_samples=[one['data_samples'] for one in packed])


def learn(model: nn.Module, batch: dict[str, list], steps: int, lr: float = 6e-3) -> list[float]:
    """Train ``model`` on one batch with Muon, AdamW and a cosine; the sum of its losses at each step."""
    optimizer = MuonAdamW(model.parameters(), lr=lr, weight_decay=0.0)
    warm = max(1, steps // 20)
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda i: min((i + 1) / warm, 0.5 + 0.5 * np.cos(np.pi * max(0, i - warm) / (steps - warm)) + 1e-3)
    )
    data = model.data_preprocessor(batch, training=True)
    model.train()
    curve = []
    for _ in range(steps):
        losses = model(data['inputs'], data['data_samples'], mode='loss')
        loss = sum(value for name, value in losses.items() if 'loss' in name)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        scheduler.step()
        curve.append(loss.item())
    return curve


@torch.no_grad()
def answer(model: nn.Module, batch: dict[str, list]) -> list[GroundingSample]:
    """Let ``model`` answer a batch of a test pipeline."""
    model.eval()
    data = model.data_preprocessor(batch, training=False)
    return model(data['inputs'], data['data_samples'], mode='predict')


@torch.no_grad()
def expressible(model: nn.Module, batch: dict[str, list], items: Sequence[dict]) -> float | None:
    """The mIoU with the masks of ``items`` that the grid of the logits of ``model`` allows; None without masks."""
    data = model.data_preprocessor(batch, training=False)
    grid = logit_grid(model.eval()(data['inputs'], data['data_samples'], mode='tensor'))
    if grid is None:
        return None
    masks = [true_mask(item) for item in items]
    with torch.enable_grad():
        best = best_masks(batch['data_samples'], masks, grid)
    return float(np.mean([mask_iou(*pair) for pair in zip(best, masks, strict=True)]))


def memorise(cfg: Config, items: Sequence[dict], recipe: Recipe) -> dict[str, float]:
    """Let the model of ``cfg`` learn ``items`` by heart, and measure its answers about them.

    Returns:
        What :func:`measure` and :func:`measure_moves` give; with masks ``limit``, the mIoU that the grid of the logits
        can express, and ``share``, the part of it that is reached; ``loss``, the last; ``falls``, by what part the mean
        loss fell from the last tenth but one of the steps to the last; and ``left``, the mean of the last tenth as part
        of the first loss.
    """
    model = build(cfg, recipe.seed)
    train, test = (load_samples(x.dataset.pipeline, items) for x in (cfg.train_dataloader, cfg.test_dataloader))
    curve = learn(model, train, recipe.steps, recipe.lr)
    tenth = max(1, recipe.steps // 10)
    before, after = np.mean(curve[-2 * tenth : -tenth]), np.mean(curve[-tenth:])
    row = dict(loss=curve[-1], falls=float((before - after) / before), left=float(after / curve[0]))
    answers = answer(model, test)
    found = measure(answers, items) | measure_moves(answers, items)
    limit = expressible(model, test, items)
    return row | found | ({} if limit is None else dict(limit=limit, share=found['miou'] / limit))
