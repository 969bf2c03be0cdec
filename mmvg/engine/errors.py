"""How a run ends before its time."""

import re
import signal

from mmvg.error_chain import error_chain

#: Exit code of a training whose numbers are no longer finite; 2 is a mistake of the user, 128 and more a signal.
DIVERGED = 3
#: Exit code of a run of which a process has died, stopped or lost its connection.
LOST_PROCESS = 4


class RunError(RuntimeError):
    """A run cannot go on; the message is written for users.

    Args:
        message: What happened, and what to do.
        exit_code: What the command line ends with.

    Example:
        >>> raise RunError('work_dirs/lavt: the run of process 4711 writes there', exit_code=2)
        Traceback (most recent call last):
            ...
        mmvg.engine.errors.RunError: work_dirs/lavt: the run of process 4711 writes there
    """

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class StopRun(SystemExit):
    """The run was asked to end by a signal; the exit code is the one that shells give, 128 and the number.

    Args:
        number: The signal.

    Example:
        >>> StopRun(signal.SIGTERM).code
        143
    """

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.signal = signal.Signals(number)


#: Beginnings of what torch says when another process is gone, and what it means.
_LOST = (
    (
        r'DataLoader worker \(pid\(?s?\)? ?([\d, ]+)\) is killed by signal: (Bus error)',
        'a worker that loads data (process {0}) found the shared memory full (/dev/shm): set num_workers or '
        'prefetch_factor of the loader lower, or give the machine or container more of it (docker run --shm-size)',
    ),
    (
        r'DataLoader worker \(pid\(?s?\)? ?([\d, ]+)\) is killed by signal: (.+?)\.',
        'a worker that loads data (process {0}) was killed ({1}); the kernel does so where memory runs out: set '
        'num_workers lower, or give the job more memory',
    ),
    (
        r'DataLoader worker \(pid\(?s?\)? ?([\d, ]+)\) exited unexpectedly',
        'a worker that loads data (process {0}) has ended without a word',
    ),
    (
        r'unable to (?:allocate shared memory|resize file|write to file|mmap|open shared memory)',
        'the shared memory (/dev/shm) or the limit on it is full: set num_workers or prefetch_factor of the loader '
        'lower, or give the machine or container more of it (docker run --shm-size)',
    ),
    (
        r'Connection (?:closed by peer|reset by peer|refused)|Broken pipe|Socket closed|ncclRemoteError|'
        r'remote process exited|NCCL communicator was aborted|recvValue failed|Timed out waiting|Gloo connectFullMesh',
        'the connection to another process of this run is lost: it has died, and its own message or the table of '
        'torchrun says of what',
    ),
)


def explain_loss(error: BaseException) -> str | None:
    """Say in a sentence which process was lost, if that is what an error of torch behind ``error`` is about.

    Torch raises it wherever the main thread stands when a worker dies, so that a library there may have wrapped it.

    Example:
        >>> explain_loss(RuntimeError('DataLoader worker (pid(s) 4711) exited unexpectedly'))
        'a worker that loads data (process 4711) has ended without a word'
    """
    for cause in error_chain(error):
        if isinstance(cause, RuntimeError):
            for pattern, meaning in _LOST:
                if found := re.search(pattern, str(cause)):
                    return meaning.format(*found.groups())
    return None
