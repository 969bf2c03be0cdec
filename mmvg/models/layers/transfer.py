"""Bring tensors of the host to the device of a model."""

from torch import Tensor, device


def send(x: Tensor, to: device) -> Tensor:
    """Send ``x`` to a device without waiting for what that has yet to compute.

    A plain ``x.to('cuda')`` waits: the host stands still until all kernels before the copy are done.

    Examples:
        >>> import torch
        >>> from mmvg.models.layers import send
        >>> send(torch.tensor([1, 2]), torch.device('cpu'))
        tensor([1, 2])
    """
    if x.device == to:
        return x
    if to.type == 'cuda' and x.device.type == 'cpu':
        x = x.pin_memory()  # from other memory of the host the copy itself would wait
    return x.to(to, non_blocking=x.device.type == 'cpu')
