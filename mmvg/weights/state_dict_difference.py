"""Describe how two state dicts differ."""

from collections.abc import Callable, Iterable
from difflib import get_close_matches

from torch import Tensor

#: Differences of one kind that are listed by name.
MOST_LISTED = 8
#: In names of released weights that :mod:`mmvg.weights.conversion` converts.
FOREIGN = ('beit3.', '.image_lang_att.')


def state_dict_difference(model: dict[str, Tensor], file: dict[str, Tensor]) -> str:
    """Compare the weights that a model wants with those that a file has, by name and shape.

    Args:
        model: Weights that are wanted.
        file: Weights that are there.

    Returns:
        A text of bounded length with counts, names, shapes and the nearest names; empty if everything fits.

    Example:
        >>> import torch
        >>> model = {'head.bias': torch.zeros(2), 'head.weight': torch.zeros(2, 3)}
        >>> file = {'head.bias': torch.zeros(2), 'head.weights': torch.zeros(2, 3)}
        >>> print(state_dict_difference(model, file))
        1 missing, 1 unexpected and 0 of another shape.
        missing in the file:
          head.weight 2x3  (nearest: head.weights 2x3)
        unexpected in the file:
          head.weights 2x3  (nearest: head.weight 2x3)
    """
    missing = [name for name in model if name not in file]
    unexpected = [name for name in file if name not in model]
    reshaped = [name for name in model if name in file and model[name].shape != file[name].shape]
    if not (missing or unexpected or reshaped):
        return ''
    parts = [f'{len(missing)} missing, {len(unexpected)} unexpected and {len(reshaped)} of another shape.']
    parts += _another_model(model, file)
    parts += _listed('missing in the file', missing, lambda name: _line(name, model, unexpected, file))
    parts += _listed('unexpected in the file', unexpected, lambda name: _line(name, file, missing, model))
    parts += _listed(
        'of another shape',
        reshaped,
        lambda name: f'{name}: {_shape(file[name])} in the file, {_shape(model[name])} in the model',
    )
    return '\n'.join(parts)


def _another_model(model: dict[str, Tensor], file: dict[str, Tensor]) -> list[str]:
    """Say so when the file is not a slightly different version but something else."""
    common = len(model.keys() & file.keys())
    if any(mark in name for name in file for mark in FOREIGN):
        return ['These are the names of the authors, not ours: convert the file with "mmvg convert" first.']
    if 2 * common >= len(model):
        return []
    return [
        f'It looks like the checkpoint of another model: {common} of {len(model)} names agree; those in the file begin '
        f'with {_beginnings(file)}, those of the model with {_beginnings(model)}.'
    ]


def _beginnings(names: Iterable[str]) -> str:
    """List the first parts of names, each once and five at most."""
    first = list(dict.fromkeys(name.split('.')[0] for name in names))
    return ', '.join(first[:5]) + (', ...' if len(first) > 5 else '')


def _listed(title: str, names: list[str], line: Callable[[str], str]) -> list[str]:
    """Write a title and one line per name, :data:`MOST_LISTED` at most; nothing without names."""
    if not names:
        return []
    rest = [f'  ... and {len(names) - MOST_LISTED} more'] if len(names) > MOST_LISTED else []
    return [f'{title}:', *(f'  {line(name)}' for name in names[:MOST_LISTED]), *rest]


def _line(name: str, own: dict[str, Tensor], candidates: list[str], others: dict[str, Tensor]) -> str:
    """Write a name with its shape and, if one is near, the nearest of ``candidates``."""
    near = get_close_matches(name, candidates, n=1)
    return f'{name} {_shape(own[name])}' + (f'  (nearest: {near[0]} {_shape(others[near[0]])})' if near else '')


def _shape(tensor: Tensor) -> str:
    """Write the shape of a tensor: ``"2x3"``."""
    return 'x'.join(map(str, tensor.shape)) or 'scalar'
