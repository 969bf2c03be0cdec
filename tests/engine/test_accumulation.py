"""Updates that wait for several batches, with several optimizers."""

from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import nn, optim

from mmvg.engine.accumulation import accumulated, gradients_wait, wrappers_of


def test_gradients_of_any_optimizer_may_wait():
    layer = nn.Linear(1, 1)
    first, second = (OptimWrapper(optim.SGD(layer.parameters(), lr=0.1), accumulative_counts=n) for n in (2, 3))
    both = OptimWrapperDict(first=first, second=second)
    assert wrappers_of(both) == [first, second]
    assert wrappers_of(first) == [first]
    assert accumulated(both) == 6
    waits = []
    for _ in range(6):
        for each in (first, second):
            each.update_params(layer(layer.weight).sum())
        waits.append(gradients_wait(both))
    assert waits == [True, True, True, True, True, False]
