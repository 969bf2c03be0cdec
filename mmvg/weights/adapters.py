"""Low-rank adapters in state dicts: told from other weights by their names, merged, and kept in files of their own.

An adapter of a weight ``x.weight`` is ``x.lora_a`` (r, in), ``x.lora_b`` (out, r) and the integer ``x.lora_alpha``: the
layer computes with ``x.weight + lora_alpha / r * lora_b @ lora_a`` (LoRA, arXiv:2106.09685).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from mmvg.weights.errors import CheckpointError
from mmvg.weights.integrity import tensors_digest

ADAPTER_NAMES = ('lora_a', 'lora_b', 'lora_alpha')
#: What ``meta.kind`` of a file of adapters says.
KIND = 'adapters'


def is_adapter(name: str) -> bool:
    """Whether a weight of this name belongs to an adapter.

    Example:
        >>> is_adapter('encoder.layers.0.fc1.lora_a'), is_adapter('encoder.layers.0.fc1.weight')
        (True, False)
    """
    return name.rpartition('.')[2] in ADAPTER_NAMES


def merge_adapters(state: Mapping[str, Tensor], source: str | Path = 'the state dict') -> dict[str, Tensor]:
    """Add the adapters of a state dict to the weights that they adapt, and leave them out.

    Args:
        state: Weights by name.
        source: Named in errors.

    Raises:
        CheckpointError: If a part of an adapter or its weight is missing, or their shapes do not go together.

    Example:
        >>> import torch
        >>> state = {'weight': torch.zeros(2, 3), 'lora_a': torch.ones(1, 3), 'lora_b': torch.ones(2, 1)}
        >>> merged = merge_adapters(state | {'lora_alpha': torch.tensor(4)})
        >>> list(merged), merged['weight'][0]
        (['weight'], tensor([4., 4., 4.]))
    """
    merged = {name: value for name, value in state.items() if not is_adapter(name)}
    for prefix in dict.fromkeys(name[: name.rfind('.') + 1] for name in state if is_adapter(name)):
        names = [f'{prefix}{part}' for part in (*ADAPTER_NAMES, 'weight')]
        if missing := [name for name in names if name not in state]:
            raise CheckpointError(f'{source}: an adapter is not whole: {", ".join(missing)} not there; fetch it again')
        low, high, alpha, weight = (state[name] for name in names)
        fits = low.dim() == high.dim() == 2 and 0 < len(low) == high.shape[1] and alpha.numel() == 1
        if not fits or weight.shape != (len(high), low.shape[1]):
            shapes = ', '.join(f'{name} {tuple(state[name].shape)}' for name in names)
            raise CheckpointError(f'{source}: the shapes of an adapter do not go together: {shapes}')
        change = float(alpha) / len(low) * (high.float() @ low.float())
        merged[f'{prefix}weight'] = (weight.float() + change).to(weight.dtype)
    return merged


def trained_names(model: nn.Module) -> list[str]:
    """Names of all that a training of adapters changes: adapters, weights with a gradient, and their statistics."""
    parameters = dict(model.named_parameters())
    trained = [name for name, parameter in parameters.items() if parameter.requires_grad]
    modules = {name.rpartition('.')[0] for name in trained}
    buffers = [name for name in model.state_dict().keys() - parameters.keys() if name.rpartition('.')[0] in modules]
    return [*trained, *sorted(buffers)]


def adapter_notes(state: Mapping[str, Tensor], names: list[str], model: str) -> dict[str, Any]:
    """What a file of adapters notes: the model that it belongs to, by name and by the digest of all other weights.

    Args:
        state: Of the whole model.
        names: Of what the file holds.
        model: Such as the config that was trained.
    """
    return dict(kind=KIND, model=model, base_sha256=_digest(state, names))


def add_adapters(
    state: Mapping[str, Tensor], adapters: Mapping[str, Tensor], notes: Mapping[str, Any], source: str | Path
) -> dict[str, Tensor]:
    """Give weights the adapters of a file, and merge them.

    Args:
        state: Weights of the model that the adapters were trained for.
        adapters: What the file holds.
        notes: Its ``meta``.
        source: Named in errors.

    Raises:
        CheckpointError: If the file holds no adapters, those of other weights, or one that is not whole.
    """
    if notes.get('kind') != KIND or not any(map(is_adapter, adapters)):
        raise CheckpointError(f'{source}: holds no adapters, as training with --lora writes them')
    if _digest(state, list(adapters)) != notes.get('base_sha256'):
        raise CheckpointError(
            f'{source}: these adapters belong to other weights: they were trained on {notes.get("model")}, from the '
            f'checkpoint with the digest {str(notes.get("base_sha256"))[:12]}'
        )
    return merge_adapters({**state, **adapters}, source)


def _digest(state: Mapping[str, Tensor], without: list[str]) -> str:
    """Digest of the weights that training adapters does not change; those that they adapt are among them."""
    return tensors_digest({name: state[name] for name in state.keys() - set(without)})
