"""What a process does when the one that has started it is gone, and how workers hand over their samples."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader

_PR_SET_PDEATHSIG = 1
_SECONDS_TO_SAVE = 60


def die_with_parent(number: signal.Signals = signal.SIGKILL) -> None:
    """Have the kernel send this process a signal when its parent ends, even by kill -9; on Linux alone.

    Args:
        number: The signal.

    Example:
        >>> die_with_parent(signal.SIGCONT)  # one that does nothing to a process that runs
    """
    if sys.platform != 'linux':
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != parent:  # it has ended in between
        os.kill(os.getpid(), number)


def guard_workers(loader: DataLoader) -> DataLoader:
    """Let the workers of ``loader`` end with this process, leave signals to it, and say where memory is full.

    A worker puts a batch into shared memory while the loader waits for it, so that an error reaches the run: by itself
    torch does that in a thread, loses the batch where the memory is full, and waits for ever. Workers draw their seeds
    from a generator of their own, so that making an iterator changes no random number of this process.
    """
    if loader.num_workers:
        loader.collate_fn = _SharedCollate(loader.collate_fn)
        loader.worker_init_fn = _WorkerStart(loader.worker_init_fn)
        loader.generator = torch.Generator().manual_seed(torch.initial_seed())
    return loader


class _SharedCollate:
    """Puts the tensors of a batch into shared memory."""

    def __init__(self, collate: Callable) -> None:
        self.collate = collate

    def __call__(self, samples: list) -> Any:
        batch = self.collate(samples)
        if torch.utils.data.get_worker_info() is not None:
            for tensor in _tensors(batch):
                tensor.share_memory_()
        return batch


def end_workers(loader: DataLoader) -> None:
    """End the workers that a loader keeps between two passes over its data."""
    iterator = getattr(loader, '_iterator', None)
    if iterator is not None and loader.num_workers:
        iterator._shutdown_workers()
        loader._iterator = None


class _WorkerStart:
    """Prepares a worker.

    Signals that are sent to all processes of a job are left to the run, which ends its workers itself; Ctrl+C does not
    reach them, and a minute is enough to save.
    """

    def __init__(self, then: Callable[[int], None] | None) -> None:
        self.then = then

    def __call__(self, worker: int) -> None:
        die_with_parent()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, lambda *_: signal.alarm(_SECONDS_TO_SAVE))
        if self.then is not None:
            self.then(worker)


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    """All tensors in nested containers and in the samples of mmengine."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _tensors(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _tensors(each)
    elif hasattr(value, 'all_values'):  # BaseDataElement
        yield from _tensors(value.all_values())
