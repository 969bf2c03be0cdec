"""Parts of a model that are not trained."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from torch import nn

from mmvg.checks import suggest


def freeze(model: nn.Module, parts: Sequence[str]) -> list[str]:
    """Take the gradient of parts of a model away.

    Args:
        model: Changed in place.
        parts: ``'image'`` or ``'text'``, the tower of a backbone, or names of modules and weights, with ``*``:
            ``'backbone'``, ``'neck.fusion'``, ``'backbone.text.bert.encoder.layer.[0-9].*'``.

    Returns:
        The weights that have none now.

    Raises:
        ValueError: If nothing is called so, the backbone has no tower of its own for it, or nothing is left to train.

    Example:
        >>> from mmvg.models.backbones import BEiT3
        >>> encoder = BEiT3(img_size=16, patch_size=8, embed_dims=8, num_layers=1, num_heads=2)
        >>> len(freeze(encoder, ['text_embed', '*.fc1.weight']))
        3
    """
    names = [name for part in parts for name in _weights_of(model, part)]
    for name in names:
        model.get_parameter(name).requires_grad_(False)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ValueError(f'--freeze {" ".join(parts)}: nothing is left to train')
    return names


def frozen_modules(model: nn.Module) -> list[nn.Module]:
    """Modules whose weights all have no gradient, the largest that there are; they stay in evaluation mode.

    So their dropout is off, and their running statistics stay.

    Example:
        >>> layers = nn.Sequential(nn.Sequential(nn.Linear(2, 2), nn.Dropout()), nn.Linear(2, 2))
        >>> _ = layers[0].requires_grad_(False)
        >>> frozen_modules(layers) == [layers[0]]
        True
    """
    parameters = list(model.parameters())
    if parameters and not any(parameter.requires_grad for parameter in parameters):
        return [model]
    return [module for child in model.children() for module in frozen_modules(child)]


def matching_parameters(model: nn.Module, patterns: Sequence[str], flag: str) -> list[str]:
    """Names of the weights that any of ``patterns`` names, as weights or by a module that they are in.

    Raises:
        ValueError: If a pattern names nothing; names the nearest.

    Example:
        >>> matching_parameters(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)), ['1', '*.bias'], '--freeze')
        ['0.bias', '1.weight', '1.bias']
    """
    names = [name for name, _ in model.named_parameters()]
    matched = {pattern: [name for name in names if _is_in(name, pattern)] for pattern in patterns}
    for pattern, found in matched.items():
        if not found:
            modules = [name for name, _ in model.named_modules() if name]
            raise ValueError(f'{flag} {pattern}: no part of the model is called so{suggest(pattern, modules)}')
    return [name for name in names if any(name in found for found in matched.values())]


def _is_in(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) or fnmatchcase(name, f'{pattern}.*')


def _weights_of(model: nn.Module, part: str) -> list[str]:
    """Names of the weights of a part."""
    backbone = getattr(model, 'backbone', None)
    if part not in ('image', 'text') or backbone is None:
        return matching_parameters(model, [part], '--freeze')
    towers = getattr(backbone, 'towers', None) or {}
    if part in towers:
        return matching_parameters(model, [f'backbone.{pattern}' for pattern in towers[part]], '--freeze')
    if isinstance(getattr(backbone, part, None), nn.Module):
        return matching_parameters(model, [f'backbone.{part}'], '--freeze')
    raise ValueError(
        f'--freeze {part}: {type(backbone).__name__} has no {part} tower of its own; freeze the whole, backbone, or a '
        f'part of it: {", ".join(f"backbone.{name}" for name, _ in backbone.named_children())}'
    )
