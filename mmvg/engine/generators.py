"""The generators of random numbers of a process: of torch, its GPU, NumPy, Python, and those inside a model."""

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn


def generator_states(model: nn.Module) -> dict[str, Any]:
    """Read the states of all generators, in types that a checkpoint can hold without naming a class.

    Args:
        model: Its modules may hold a ``torch.Generator`` as an attribute.

    Example:
        >>> states = generator_states(nn.Linear(2, 3))
        >>> drawn = torch.rand(2), np.random.rand(), random.random()
        >>> set_generator_states(nn.Linear(2, 3), states)
        >>> torch.equal(torch.rand(2), drawn[0]), np.random.rand() == drawn[1], random.random() == drawn[2]
        (True, True, True)
    """
    kind, keys, position, has_gauss, gauss = np.random.get_state()
    return dict(
        torch=torch.get_rng_state(),
        cuda=torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
        numpy=(kind, torch.from_numpy(keys.astype(np.int64)), position, has_gauss, gauss),
        python=random.getstate(),
        modules={name: generator.get_state() for name, generator in _module_generators(model)},
    )


def set_generator_states(model: nn.Module, states: dict[str, Any]) -> None:
    """Go on from what :func:`generator_states` has read; a generator that was not there then keeps its own state."""
    torch.set_rng_state(states['torch'].cpu())
    if states['cuda'] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(states['cuda'].cpu())
    kind, keys, position, has_gauss, gauss = states['numpy']
    np.random.set_state((kind, keys.cpu().numpy().astype(np.uint32), position, has_gauss, gauss))
    version, numbers, gauss = states['python']
    random.setstate((version, tuple(numbers), gauss))
    for name, generator in _module_generators(model):
        if name in states['modules']:
            generator.set_state(states['modules'][name].cpu())


def seed_generators(model: nn.Module, *key: int) -> None:
    """Seed all generators by whole numbers, each differently.

    Args:
        model: As in :func:`generator_states`.
        key: Such as seed, iteration and rank.

    Example:
        >>> seed_generators(nn.Linear(2, 3), 6666, 0)
        >>> first = torch.rand(1)
        >>> seed_generators(nn.Linear(2, 3), 6666, 1)
        >>> bool(torch.rand(1) == first)
        False
    """
    inside = [generator for _, generator in _module_generators(model)]
    seeds = np.random.SeedSequence(key).generate_state(3 + len(inside))
    torch.manual_seed(int(seeds[0]))
    np.random.seed(int(seeds[1]))
    random.seed(int(seeds[2]))
    for generator, seed in zip(inside, seeds[3:], strict=True):
        generator.manual_seed(int(seed))


def _module_generators(model: nn.Module) -> Iterator[tuple[str, torch.Generator]]:
    for path, module in model.named_modules():
        for attribute, value in vars(module).items():
            if isinstance(value, torch.Generator):
                yield f'{path}.{attribute}', value
