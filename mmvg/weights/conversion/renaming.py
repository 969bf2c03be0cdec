"""Rename weights by the beginnings of their names, so that nothing is passed over."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from torch import Tensor

from mmvg.weights.errors import CheckpointError


def without_effect(names: Iterable[str], dropped: Iterable[str]) -> list[str]:
    """Return which of ``names`` are listed in ``dropped``, by name or by pattern.

    Example:
        >>> without_effect(['lang_proj.bias', 'head.bias'], ['lang_proj.*'])
        ['lang_proj.bias']
    """
    dropped = tuple(dropped)
    return [name for name in names if any(fnmatchcase(name, pattern) for pattern in dropped)]


def rename(
    state: dict[str, Tensor], prefixes: dict[str, str], dropped: Iterable[str], source: str | Path
) -> dict[str, Tensor]:
    """Replace the prefix of every name that is not ``dropped``.

    Args:
        state: Weights under the names of others.
        prefixes: Ours by theirs; the first that fits counts.
        dropped: Names or patterns of tensors that the outputs do not depend on.
        source: Named in errors.

    Raises:
        CheckpointError: If a name has none of the prefixes, or a prefix no name.

    Example:
        >>> import torch
        >>> state = {'classifier.bias': torch.ones(2), 'unused': torch.ones(1)}
        >>> rename(state, {'classifier.': 'head.'}, ['unused'], 'lavt.pth')
        {'head.bias': tensor([1., 1.])}
    """
    left_out = set(without_effect(state, dropped))
    renamed, unknown, unused = {}, [], set(prefixes)
    for name, value in state.items():
        if name in left_out:
            continue
        prefix = next((prefix for prefix in prefixes if name.startswith(prefix)), None)
        if prefix is None:
            unknown.append(name)
            continue
        unused.discard(prefix)
        renamed[prefixes[prefix] + name.removeprefix(prefix)] = value
    if unknown:
        listed = ', '.join(unknown[:10]) + (f' and {len(unknown) - 10} more' if len(unknown) > 10 else '')
        raise CheckpointError(f'{source}: {len(unknown)} tensors are none of this model: {listed}')
    if unused:
        raise CheckpointError(f'{source}: has no tensors under {", ".join(sorted(unused))}; is the file cut down?')
    return renamed
