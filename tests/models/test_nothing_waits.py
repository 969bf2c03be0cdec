"""Between images and losses, or raw outputs, nothing waits for the device.

The meta device stands in for a GPU: its tensors have no values, so that whatever depends on one cannot be computed at
all. Asking for a value, for a size that only the device knows, or for a copy that blocks, raises here.
"""

from collections import Counter
from contextlib import contextmanager

import pytest
import torch
from mmengine.runner import Runner
from shipped_configs import ROOT, drawn_folder, on_drawn_data, read
from torch.utils._python_dispatch import TorchDispatchMode

from mmvg.registry import MODELS

SYSTEMS = sorted(path.parent.name for path in ROOT.glob('configs/*/tiny.py'))
#: Those that pair queries with targets, on the host.
MATCHING = {'instancevg', 'simvg'}
ATEN = torch.ops.aten
#: Their results have a size, or are a number, that depends on values.
ASKING = {
    ATEN._local_scalar_dense,
    ATEN.bincount,
    ATEN.equal,
    ATEN.is_nonzero,
    ATEN.masked_select,
    ATEN.nonzero,
    ATEN._unique2,
    ATEN.unique_dim,
    ATEN.unique_consecutive,
    # numbers of Python, as of torch.tensor([1, 2], device=...) or x[[1, 2]], which are copied there
    ATEN.lift_fresh,
    ATEN.lift_fresh_copy,
}
INDEXING = {ATEN.index, ATEN.index_put, ATEN.index_put_}
COPIES = {ATEN._to_copy, ATEN.copy_}


class Waiting(TorchDispatchMode):
    """Count what goes from the device to the host, and raise where more is asked than the one transfer of costs."""

    def __init__(self, allowed=0):
        super().__init__()
        self.allowed = allowed
        self.transfers = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        op, tensors = func.overloadpacket, [x for x in torch.utils._pytree.tree_leaves(args) if torch.is_tensor(x)]
        on_device = any(x.is_meta for x in tensors)
        if on_device and (op in ASKING or (op in INDEXING and asks(args[1]))):
            raise AssertionError(f'{func} waits for the device')
        if op in COPIES:
            source, target = tensors[-1], kwargs.get('device') or tensors[0].device
            blocks = not (kwargs.get('non_blocking') or (op is ATEN.copy_ and len(args) > 2 and args[2]))
            if source.is_meta and torch.device(target).type == 'cpu':
                self.transfers['to the host'] += 1
                if self.transfers['to the host'] > self.allowed:
                    raise AssertionError(f'{func} brings {tuple(source.shape)} to the host, and waits for it')
                return torch.zeros(source.shape, dtype=kwargs.get('dtype') or source.dtype)
            if not source.is_meta and torch.device(target).type == 'meta' and blocks:
                raise AssertionError(f'{func} sends {tuple(source.shape)} to the device, and waits for it')
        return func(*args, **kwargs)


@pytest.fixture
def waiting(monkeypatch):
    """Function: context in which nothing may wait."""
    start = torch.autocast.__init__  # which knows no meta device
    monkeypatch.setattr(
        torch.autocast,
        '__init__',
        lambda self, device, *args, **options: start(self, 'cpu' if device == 'meta' else device, *args, **options),
    )

    @contextmanager
    def watch(allowed=0):
        with Waiting(allowed) as found:
            yield found

    return watch


def asks(indices):
    """Whether indices are bools, so that their number is not known, or lie on the host."""
    given = [index for index in indices if index is not None]
    return any(index.dtype in (torch.bool, torch.uint8) or (index.ndim and not index.is_meta) for index in given)


@pytest.fixture
def on_device(refshapes_tiny):
    """Function: the tiny model of a system on the device, and one batch of a loader on the host."""

    def make(system, loader):
        cfg = on_drawn_data(read(f'{system}/tiny.py'), refshapes_tiny, 4, drawn_folder(system))
        return MODELS.build(cfg.model).to('meta'), next(iter(Runner.build_dataloader(cfg[loader], seed=0)))

    return make


@pytest.mark.parametrize('system', SYSTEMS)
def test_no_loss_waits_but_for_one_transfer_of_costs(system, on_device, waiting):
    model, batch = on_device(system, 'train_dataloader')
    with waiting(allowed=1 if system in MATCHING else 0) as found:
        data = model.train().data_preprocessor(batch, training=True)
        losses = model(**data, mode='loss')
        sum(value.sum() for name, value in losses.items() if 'loss' in name).backward()
    assert found.transfers['to the host'] == found.allowed
    assert all(value.is_meta for value in losses.values())


@pytest.mark.parametrize('system', SYSTEMS)
def test_no_raw_output_waits(system, on_device, waiting):
    model, batch = on_device(system, 'test_dataloader')
    with torch.no_grad(), waiting():
        outputs = model(model.eval().data_preprocessor(batch)['inputs'], mode='tensor')
    assert all(value.is_meta for value in outputs.values() if torch.is_tensor(value))


@pytest.mark.parametrize(
    'ask',
    [
        lambda x: x.sum().item(),
        lambda x: x[x > 0],
        lambda x: x.nonzero(),
        lambda x: x.cpu(),
        lambda x: bool(x.any()),
        lambda x: x + x.new_tensor([1.0, 2.0]),
        lambda x: torch.tensor([1.0, 2.0], device=x.device),
        lambda x: torch.zeros(2).to(x.device),
        lambda x: x[[1, 0]],
        lambda x: x[torch.tensor([1, 0])],
    ],
)
def test_the_test_sees_what_waits(ask, waiting):
    with pytest.raises((AssertionError, NotImplementedError, RuntimeError)), waiting():
        ask(torch.empty(2, device='meta'))
