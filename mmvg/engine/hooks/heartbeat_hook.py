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
        self._threads: list[threading.Thread] = []
        self._beats: dict[int, int] = {}  # rank -> its number, as of the last exchange with the store
        self._names: dict[int, str] = {}  # rank -> process and machine
        self._exchanges = 0

    def before_train(self, runner) -> None:
        """Begin to beat and to watch, if there are several processes."""
        rank, processes = get_dist_info()
        if processes == 1 or self._threads:
            return
        others = [each for each in range(processes) if each != rank]
        store = distributed.distributed_c10d._get_default_store().clone()  # of its own: it waits for nobody
        self._threads = [
            threading.Thread(target=self._beat, args=(store, rank, others), daemon=True),
            threading.Thread(target=self._watch, args=(rank, others), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def at_end(self, runner) -> None:
        """Stop watching; the Runner calls it however the run ends."""
        self._end.set()
        for thread in self._threads:
            thread.join(timeout=2 * self.interval)
        self._threads = []

    def _beat(self, store: distributed.Store, rank: int, others: list[int]) -> None:
        """Count up, and read what the others count; this may wait for a store that does not answer."""
        try:
            store.set(f'mmvg/who/{rank}', f'{os.getpid()} {socket.gethostname()}')
            while not self._end.wait(self.interval):
                store.add(f'mmvg/beat/{rank}', 1)
                self._beats = {other: store.add(f'mmvg/beat/{other}', 0) for other in others}
                for other in others:
                    if other not in self._names and store.check([f'mmvg/who/{other}']):
                        self._names[other] = store.get(f'mmvg/who/{other}').decode()
                self._exchanges += 1
            store.add(f'mmvg/beat/{rank}', _DONE)
        except RuntimeError:  # the store is gone, which the other thread sees
            return

    def _watch(self, rank: int, others: list[int]) -> None:
        """Look at what has been read, and wait for nothing."""
        seen: dict[int, int] = {}
        silent, exchanges, without = dict.fromkeys(others, 0), 0, 0
        while not self._end.wait(self.interval):
            beats, done = self._beats, any(number >= _DONE for number in self._beats.values())
            without = 0 if self._exchanges != exchanges or done else without + 1
            exchanges = self._exchanges
            for other in others:
                alive = beats.get(other, 0) != seen.get(other) or beats.get(other, 0) >= _DONE
                silent[other] = 0 if alive else silent[other] + 1
            seen = beats
            lost = [other for other in others if silent[other] >= self.patience]
            if lost or without >= self.patience:
                self._give_up(rank, lost)

    def _give_up(self, rank: int, lost: list[int]) -> None:
        """Say who is lost, and end this process without waiting for anything."""
        names = ', '.join(f'rank {other}{_describe(self._names.get(other))}' for other in lost)
        print(
            f'\nRunError: {names or "the store of the run"} has not been heard of for '
            f'{self.interval * self.patience:.0f} s, so rank {rank} ends too; --resume goes on from the newest file',
            flush=True,
            file=sys.stderr,
        )
        os._exit(LOST_PROCESS)


def _describe(name: str | None) -> str:
    """Process and machine of a rank, and its state if it is on this machine."""
    if name is None:
        return ''
    process, host = name.split()
    if host != socket.gethostname() or not Path('/proc').is_dir():
        return f' (process {process} on {host})'
    try:
        stopped = Path(f'/proc/{process}/stat').read_text().rsplit(')', 1)[1].split()[0] in 'Tt'
    except OSError:
        return f' (process {process}, which is gone)'
    return f' (process {process}, which {"is stopped" if stopped else "hangs"})'
