"""Workers on this machine, each a process with the model."""

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from itertools import islice
from typing import Any

from mmvg.export.folder import is_exported
from mmvg.labelling.run_folder import ShardNote
from mmvg.labelling.worker import LabelError, Work, Worker

_MOST_LOSSES = 3  # of workers, without a shard that gets done in between
_worker: Worker | LabelError | None = None


def label_locally(shards: Iterable[int], work: Work, workers: int) -> Iterator[ShardNote]:
    """Label shards in processes; yields the note of each when it is done.

    A worker that dies, as where memory runs out, is replaced, and its shard done again.

    Args:
        shards: Their numbers.
        work: How.
        workers: Processes.

    Raises:
        LabelError: If workers keep dying, or the model cannot be opened or answers nothing.
    """
    todo, losses = list(shards), 0
    while todo:
        done: set[int] = set()
        try:
            for note in _in_pool(todo, work, workers):
                done.add(note.shard)
                losses = 0
                yield note
        except BrokenProcessPool:
            losses += 1
            if losses == _MOST_LOSSES:
                message = f'workers died {losses} times in a row; perhaps memory is short: try fewer --workers'
                raise LabelError(message) from None
            logging.getLogger(__name__).warning('a worker died; the workers are started again')
        todo = [shard for shard in todo if shard not in done]


def _in_pool(shards: list[int], work: Work, workers: int) -> Iterator[ShardNote]:
    """Label shards in one pool, with as many in its hands as keep it busy."""
    context = multiprocessing.get_context('spawn')  # of PyTorch's threads nothing survives a fork
    stop, numbers = context.Event(), context.Value('i', 0)
    pool = ProcessPoolExecutor(workers, context, _start, (work, numbers, stop))
    left, running = iter(shards), set[Future]()
    try:
        while True:
            running |= {pool.submit(_label, shard) for shard in islice(left, 2 * workers - len(running))}
            if not running:
                return
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                yield future.result()
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def _start(work: Work, numbers: Any, stop: Any) -> None:
    """Become a worker: load the model, and end when the main process is gone."""
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()
    with numbers.get_lock():
        number = numbers.value
        numbers.value += 1
    try:
        _worker = Worker(replace(work, device=work.device or _device(work.model, number)), stop.is_set)
    except Exception as error:  # one that ends the process would look like a lack of memory
        _worker = LabelError(f'{work.model} cannot be opened: {error or type(error).__name__}', exit_code=2)


def _label(shard: int) -> ShardNote:
    if isinstance(_worker, LabelError):
        raise _worker
    return _worker.label(shard)


def _device(model: str, number: int) -> str | None:
    """Give each worker a GPU of its own, in turn, where there are some; exported models stay on the CPU by default."""
    import torch

    if is_exported(model):
        return None
    count = torch.cuda.device_count()
    return f'cuda:{number % count}' if count else None
