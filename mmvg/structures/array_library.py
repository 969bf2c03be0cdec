"""One code for tensors and arrays; PyTorch is only touched when a tensor comes in."""

from types import ModuleType
from typing import Any

import numpy as np


def is_tensor(value: Any) -> bool:
    """Tell a tensor from an array and a number, without importing PyTorch.

    Example:
        >>> is_tensor(np.ones(3))
        False
    """
    return hasattr(value, 'detach')


def array_library(value: Any) -> ModuleType:
    """Return torch for a tensor, numpy for an array or a number.

    Example:
        >>> array_library(np.ones(3)).__name__
        'numpy'
    """
    if not is_tensor(value):
        return np
    import torch

    return torch
