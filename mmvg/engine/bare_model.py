"""The model inside of what runs it on several devices."""

from mmengine.model import is_model_wrapper
from torch import nn


def bare_model(model: nn.Module) -> nn.Module:
    """Return the model itself, whose weights have the same names on any number of processes.

    Example:
        >>> layer = nn.Linear(1, 1)
        >>> bare_model(layer) is layer
        True
    """
    return model.module if is_model_wrapper(model) else model
