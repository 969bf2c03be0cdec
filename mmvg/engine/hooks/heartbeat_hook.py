"""Notice a process of a distributed run that is gone or stopped."""

import os
import socket
import sys
import threading
from pathlib import Path

from mmengine.dist import get_dist_info
from mmengine.hooks import Hook
from torch import distributed

from mmvg.engine.errors import LOST_PROCESS
from mmvg.registry import HOOKS

_DONE = 2**40


@HOOKS.register_module()
class HeartbeatHook(Hook):
    """Ends all processes when one of them has been silent for a while, and says which.

    A process that dies is noticed by torchrun or srun. One that is stopped, or whose machine is gone, lets the others
    wait for it in their next sum of gradients, for half an hour as torch has it. So each counts up a number in the
    store of the run from a thread, which goes on beating while the process saves, validates or loads, and watches the
    numbers of the others.

    Args:
        interval: Seconds between two beats.
        patience: How many beats without a sign of life are too many.

    Example:
        >>> HeartbeatHook(interval=10.0).before_train(runner=None)  # a single process has nobody to wait for
    """

    def __init__(self, interval: float = 5.0, patience: int = 9) -> None:
        if interval <= 0 or patience < 2:
            raise ValueError(f'interval must be positive and patience 2 or more, not {interval} and {patience}')
        self.interval = interval
        self.patience = patience
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def before_train(self, runner) -> None:
        """Begin to beat and to watch, if there are several processes."""
        rank, processes = get_dist_info()
        if processes == 1 or self._thread is not None:
            return
        store = distributed.distributed_c10d._get_default_store().clone()  # of its own: it waits for nobody
        store.set(f'mmvg/who/{rank}', f'{os.getpid()} {socket.gethostname()}')
        self._thread = threading.Thread(target=self._watch, args=(store, rank, processes), daemon=True)
        self._thread.start()

    def at_end(self, runner) -> None:
        """Stop watching; the Runner calls it however the run ends."""
        if self._thread is not None:
            self._end.set()
            self._thread.join(timeout=2 * self.interval)
            self._thread = None

    def _watch(self, store: distributed.Store, rank: int, processes: int) -> None:
        others = [each for each in range(processes) if each != rank]
        seen, silent = dict.fromkeys(others, -1), dict.fromkeys(others, 0)
        while not self._end.wait(self.interval):
            try:
                store.add(f'mmvg/beat/{rank}', 1)
                beats = {other: store.add(f'mmvg/beat/{other}', 0) for other in others}
            except RuntimeError:  # the process or machine that keeps the store does not answer either
                beats = seen
            for other in others:
                alive = beats[other] != seen[other] or beats[other] >= _DONE
                silent[other] = 0 if alive else silent[other] + 1
            seen = beats
            lost = [other for other in others if silent[other] >= self.patience]
            if lost:
                self._give_up(store, rank, lost)
        store.add(f'mmvg/beat/{rank}', _DONE)

    def _give_up(self, store: distributed.Store, rank: int, lost: list[int]) -> None:
        """Say who is lost, and end this process without waiting for anything."""
        seconds = round(self.interval * self.patience)
        names = ', '.join(f'rank {other}{_describe(store, other)}' for other in lost)
        print(
            f'\nRunError: {names} has not been heard of for {seconds} s, so rank {rank} ends too; --resume goes on '
            'from the last checkpoint',
            flush=True,
            file=sys.stderr,
        )
        os._exit(LOST_PROCESS)


def _describe(store: distributed.Store, rank: int) -> str:
    """Process and machine of a rank, and its state if it is on this machine."""
    try:
        process, host = store.get(f'mmvg/who/{rank}').decode().split()
    except (RuntimeError, ValueError):
        return ''
    if host != socket.gethostname() or not Path('/proc').is_dir():
        return f' (process {process} on {host})'
    try:
        stopped = Path(f'/proc/{process}/stat').read_text().rsplit(')', 1)[1].split()[0] in 'Tt'
    except OSError:
        return f' (process {process}, which is gone)'
    return f' (process {process}, which {"is stopped" if stopped else "hangs"})'
