"""Run something on hostile input in a process of its own, where it can neither hang nor fill the memory nor hide."""

import contextlib
import multiprocessing
import resource
import signal
import sys
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

#: What code in a data file would have to do to be of use to its author, as Python's audit events call it.
ALARMS = frozenset(
    {
        'os.exec', 'os.fork', 'os.forkpty', 'os.posix_spawn', 'os.putenv', 'os.remove', 'os.rename', 'os.rmdir',
        'os.spawn', 'os.startfile', 'os.symlink', 'os.system', 'os.chmod', 'os.mkdir', 'pty.spawn', 'socket.bind',
        'socket.connect', 'socket.getaddrinfo', 'subprocess.Popen', 'shutil.rmtree', 'urllib.Request', 'ctypes.dlopen',
    }
)  # fmt: skip


@dataclass
class Outcome:
    """How a guarded call ended.

    Attributes:
        value: What the function returned.
        error: The exception that it raised: name of its class, whether it is a ValueError or OSError, message, and
            traceback.
        alarms: Audit events that hostile code causes.
        grown: MiB that the process took at its peak, beyond what it began with.
        killed: Why the process was ended, or died of itself.
    """

    value: Any = None
    error: tuple[str, bool, str, str] | None = None
    alarms: tuple[str, ...] = ()
    grown: float = 0.0
    killed: str = ''


def guarded(function, *arguments, seconds: float = 30, memory: int = 2**31) -> Outcome:
    """Call ``function`` in a fork of this process that gets ``memory`` bytes more and ``seconds`` at most."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context('fork').Process(target=_work, args=(sender, memory, function, arguments))
    process.start()
    sender.close()
    outcome = Outcome(killed=f'no answer within {seconds} s')
    if receiver.poll(seconds):
        with contextlib.suppress(EOFError):
            outcome = receiver.recv()
    process.join(0.2 if outcome.killed else 5)
    if process.is_alive():
        process.kill()
        process.join()
    elif process.exitcode and outcome.killed:
        outcome = Outcome(killed=f'died of {signal.Signals(-process.exitcode).name if process.exitcode < 0 else "?"}')
    return outcome


def _work(sender: Connection, memory: int, function, arguments) -> None:
    before = _peak()
    resource.setrlimit(resource.RLIMIT_AS, (_size() + memory,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    alarms: list[str] = []
    watching = [True]
    sys.addaudithook(lambda event, _: alarms.append(event) if watching[0] and event in ALARMS else None)
    outcome = Outcome()
    try:
        outcome.value = function(*arguments)
    except BaseException as error:
        own = isinstance(error, (ValueError, OSError))
        outcome.error = (type(error).__name__, own, str(error)[:2000], traceback.format_exc()[-3000:])
    watching[0] = False
    outcome.alarms = tuple(alarms)
    outcome.grown = (_peak() - before) / 1024
    sender.send(outcome)
    sender.close()


def _peak() -> int:
    """The largest memory of this process so far, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _size() -> int:
    """The address space of this process, in bytes."""
    with open('/proc/self/statm') as file:
        return int(file.read().split()[0]) * resource.getpagesize()
