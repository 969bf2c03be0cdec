"""Training in bfloat16 on any device."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from mmvg.engine.optimizers.finite_optim_wrapper import FiniteOptimWrapper
from mmvg.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class BF16OptimWrapper(FiniteOptimWrapper):
    """Runs the forward pass in bfloat16 autocast, on a GPU or a CPU; weights, gradients and their update stay float32.

    MMEngine's ``AmpOptimWrapper`` refuses to run on a CPU, and scales the loss, which float16 needs; bfloat16 has the
    exponents of float32 and does not.

    Args:
        **kwargs: As for :class:`mmvg.engine.optimizers.FiniteOptimWrapper`.

    Example:
        >>> import torch
        >>> from mmvg.engine.optimizers import BF16OptimWrapper
        >>> layer = torch.nn.Linear(8, 2)
        >>> wrapper = BF16OptimWrapper(optimizer=torch.optim.SGD(layer.parameters(), lr=0.1))
        >>> with wrapper.optim_context(layer):
        ...     print(layer(torch.randn(3, 8)).dtype, layer.weight.dtype)
        torch.bfloat16 torch.float32
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Enter autocast on the device of the model's weights."""
        device = next(model.parameters()).device.type
        with super().optim_context(model), torch.autocast(device, torch.bfloat16):
            yield
