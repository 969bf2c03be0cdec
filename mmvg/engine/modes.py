"""Other ways to run the same model: what the config lists under ``modes`` and ``compile``. See docs/training.md."""

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from mmvg.models.layers.blocks import encoder_blocks, has_batch_statistics

_DTYPES = dict(bf16=torch.bfloat16, fp16=torch.float16)


def apply_modes(model: nn.Module, modes: dict[str, Any], log: Callable[[str], None]) -> nn.Module:
    """Change how a model runs, in place, before it is wrapped for several processes.

    Args:
        model: On its device.
        modes: ``amp`` (``'bf16'`` or ``'fp16'``, for validation and tests), ``channels_last`` and
            ``checkpoint_activations``.
        log: Told what was changed.

    Returns:
        The model.

    Example:
        >>> convolution = apply_modes(nn.Conv2d(4, 8, 3), dict(channels_last=True), log=print)
        channels_last: the kernels of 1 convolutions have their channels innermost
        >>> convolution.weight.is_contiguous(memory_format=torch.channels_last)
        True
    """
    if modes.get('channels_last'):
        convolutions = [module for module in model.modules() if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d))]
        for convolution in convolutions:
            convolution.to(memory_format=torch.channels_last)
        log(f'channels_last: the kernels of {len(convolutions)} convolutions have their channels innermost')
    if modes.get('checkpoint_activations'):
        blocks, left = checkpoint_blocks(model)
        aside = f'; {len(left)} with running statistics are not, which would be counted twice' if left else ''
        log(f'checkpoint_activations: {len(blocks)} blocks are computed again for the backward pass{aside}')
    if dtype := modes.get('amp'):
        device = next(model.parameters()).device.type
        for name in ('val_step', 'test_step'):
            setattr(model, name, torch.autocast(device, _DTYPES[dtype])(getattr(model, name)))
    return model


def checkpoint_blocks(model: nn.Module) -> tuple[list[str], list[str]]:
    """Have the blocks of the encoders keep only their inputs for the backward pass (arXiv:1604.06174).

    The rest is computed again there, with the same dropout. Outputs and gradients are the same.

    Args:
        model: Changed in place; names of parameters stay.

    Returns:
        The names of these blocks, and of those that are left as they are, for they update running statistics.

    Raises:
        ValueError: If there are no such blocks.
    """
    blocks = encoder_blocks(model)
    left = [name for name, block in blocks.items() if has_batch_statistics(block)]
    chosen = [name for name in blocks if name not in left]
    if not chosen:
        why = 'the blocks of its encoders update running statistics' if left else 'its encoders have no blocks'
        raise ValueError(f'--checkpoint-activations: nothing to do in {type(model).__name__}, {why}')
    for name in chosen:
        blocks[name].forward = functools.partial(_forward, blocks[name].forward)
    return chosen, left


def _forward(forward: Callable, *inputs: Any, **options: Any) -> Any:
    if not torch.is_grad_enabled():
        return forward(*inputs, **options)
    return checkpoint(forward, *inputs, use_reentrant=False, **options)


def compile_parts(model: nn.Module, settings: dict[str, Any]) -> list[str]:
    """Have torch compile the blocks of the encoders and the necks, each for itself, at their first call.

    Blocks of one class share what is compiled. Hooks stay outside, for those of an
    :class:`mmvg.models.backbones.ImageBackbone` come and go. Heads, losses and what comes after them run as before:
    their shapes depend on the data.

    Args:
        model: Changed in place; names of parameters stay.
        settings: Of ``torch.compile``.

    Returns:
        The names of these parts.

    Example:
        >>> compile_parts(nn.ModuleDict(dict(backbone=nn.Sequential(), neck=nn.ModuleDict())), dict(backend='eager'))
        []
    """
    parts = encoder_blocks(model)
    neck = model['neck'] if isinstance(model, nn.ModuleDict) else getattr(model, 'neck', nn.ModuleDict())
    parts |= {f'neck.{name}': part for name, part in neck.items()}
    # one for each width, and each of training and evaluation, whether text is as long as before, ...
    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, 64)
    for part in parts.values():
        again = isinstance(part.forward, functools.partial)  # of checkpoint_blocks, which stays outside
        compiled = torch.compile(part.forward.args[0] if again else part.forward, **settings)
        part.forward = functools.partial(_forward, compiled) if again else compiled
    return list(parts)
