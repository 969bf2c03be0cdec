"""Updates that wait for the gradients of several batches, with one optimizer or several."""

import math

from mmengine.optim import OptimWrapper, OptimWrapperDict


def wrappers_of(wrapper: OptimWrapper | OptimWrapperDict) -> list[OptimWrapper]:
    """Return the wrappers of all optimizers."""
    return list(wrapper.values()) if isinstance(wrapper, OptimWrapperDict) else [wrapper]


def gradients_wait(wrapper: OptimWrapper | OptimWrapperDict) -> bool:
    """Whether some gradients wait for those of the next batch."""
    return any(not each.should_update() for each in wrappers_of(wrapper))


def accumulated(wrapper: OptimWrapper | OptimWrapperDict) -> int:
    """Batches after which all weights have been updated.

    Example:
        >>> from torch import nn, optim
        >>> accumulated(OptimWrapper(optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1), accumulative_counts=4))
        4
    """
    return math.lcm(*(each._accumulative_counts for each in wrappers_of(wrapper)))
