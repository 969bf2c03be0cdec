"""Tensors of which each process holds a part (DTensor of ``torch.distributed``), and whole ones."""

from typing import Any

from mmengine.utils import apply_to
from torch import Tensor


def is_sharded(value: Any) -> bool:
    """Whether a tensor lies in parts in several processes.

    Example:
        >>> import torch
        >>> is_sharded(torch.ones(3))
        False
    """
    return isinstance(value, Tensor) and hasattr(value, 'device_mesh')


def whole(tree: Any) -> Any:
    """Collect the tensors in nested dicts and lists on the CPU of every process; all processes have to call it.

    Example:
        >>> import torch
        >>> whole(dict(weight=torch.ones(2)))
        {'weight': tensor([1., 1.])}
    """
    return apply_to(tree, is_sharded, lambda tensor: tensor.full_tensor().cpu())


def sharded_like(like: Tensor, value: Tensor) -> Tensor:
    """Keep of ``value``, which all processes have, the part that this one has of ``like``.

    Example:
        >>> import torch
        >>> sharded_like(torch.zeros(3), torch.ones(3))
        tensor([1., 1., 1.])
    """
    if not is_sharded(like) or is_sharded(value):
        return value
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(value.to(like.device), like.device_mesh, like.placements, src_data_rank=None)
