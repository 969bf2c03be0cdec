"""Run something in forks of this process, which need not import anything again, and see how they end."""

import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from mmvg.apis.command_line import run_command


class Fork:
    """A child that runs ``work()`` as a command would: with its messages and exit codes.

    Args:
        work: What to run.
        log: Where its output goes.
        environment: Variables of its own.
    """

    def __init__(self, work: Callable[[], object], log: Path, environment: dict[str, str] | None = None) -> None:
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        self.pid = os.fork()
        if self.pid == 0:
            os._exit(_child(work, log, environment or {}))

    def wait_for(self, file: Path, timeout: float = 60) -> None:
        """Return once ``file`` is there."""
        end = time.monotonic() + timeout
        while not file.exists():
            assert os.waitpid(self.pid, os.WNOHANG) == (0, 0), self.text()
            assert time.monotonic() < end, f'{file} has not appeared\n{self.text()}'
            time.sleep(0.002)

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    def children(self) -> list[int]:
        """Processes that it has started, such as workers of a loader."""
        tasks = Path(f'/proc/{self.pid}/task').glob('*/children')
        return [int(each) for task in tasks for each in task.read_text().split()]

    def end(self, timeout: float = 60) -> int:
        """Exit code, or minus the signal; an assertion fails if it does not come in time."""
        end = time.monotonic() + timeout
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            if time.monotonic() > end:
                self.send(signal.SIGKILL)
                os.waitpid(self.pid, 0)
                raise AssertionError(f'it has not ended in {timeout} s\n{self.text()}')
            time.sleep(0.01)

    def text(self) -> str:
        """What it has printed."""
        return self.log.read_text() if self.log.exists() else ''


def fork_ranks(work: Callable[[], object], count: int, log: Path) -> list[Fork]:
    """``work`` in processes that find one another as those of torchrun do."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    shared = dict(MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port), WORLD_SIZE=str(count))
    ranks = [dict(shared, RANK=str(rank), LOCAL_RANK=str(rank)) for rank in range(count)]
    return [Fork(work, log.with_name(f'{log.name}_{rank["RANK"]}'), rank) for rank in ranks]


def is_running(pid: int) -> bool:
    """Whether a process is there, and not only its exit code."""
    try:
        return Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()[0] not in 'ZX'
    except OSError:
        return False


def gone(pids: list[int], timeout: float = 20) -> bool:
    """Wait until none of the processes is running."""
    end = time.monotonic() + timeout
    while any(map(is_running, pids)):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def _child(work: Callable[[], object], log: Path, environment: dict[str, str]) -> int:
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.stdout, sys.stderr = (os.fdopen(number, 'w', buffering=1, closefd=False) for number in (1, 2))
    os.environ.update(environment)
    try:
        run_command(work)
    except SystemExit as end:
        return int(end.code or 0)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0
