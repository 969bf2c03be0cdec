"""Adafactor of transformers, imported when it is built."""

from collections.abc import Iterable
from typing import Any

from torch.optim import Optimizer

from mmvg.registry import OPTIMIZERS


@OPTIMIZERS.register_module(name='Adafactor')
def adafactor(params: Iterable, **options: Any) -> Optimizer:
    """Build Adafactor (arXiv:1804.04235), which MMEngine would have registered (:mod:`mmvg.late_imports`).

    Args:
        params: As of every optimizer.
        options: Of ``transformers.Adafactor``.

    Raises:
        ImportError: If transformers is not installed.

    Examples:
        >>> import torch
        >>> type(adafactor([torch.nn.Parameter(torch.zeros(2))], scale_parameter=False)).__name__
        'Adafactor'
    """
    from transformers import Adafactor

    return Adafactor(params, **options)
