"""One run at a time in a work dir."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmengine.dist import broadcast_object_list, is_main_process

from mmvg.engine.errors import RunError

LOCK = '.lock'


@contextmanager
def work_dir_lock(folder: str | Path) -> Iterator[None]:
    """Hold the work dir of a training; the kernel gives it back even when the process is killed.

    Args:
        folder: It is made.

    Raises:
        RunError: If another run holds it; says which.

    Example:
        >>> with work_dir_lock('work_dirs/lavt'):
        ...     print(os.listdir('work_dirs/lavt'))
        ['.lock']
    """
    problem, file = [None], None
    if is_main_process():
        problem[0], file = _acquire(Path(folder))
    broadcast_object_list(problem)
    if problem[0] is not None:
        raise RunError(problem[0], exit_code=2)
    try:
        yield
    finally:
        if file is not None:
            file.close()


def _acquire(folder: Path):
    """Lock the file in ``folder``; returns the problem, or the open file that holds the lock."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None, None
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / LOCK).open('a+', encoding='utf-8')
    try:
        # of this process alone: workers, which are forks, hold nothing, as they would with flock and so with filelock
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip() or 'another run'
        file.close()
        return (
            f'{folder}: {holder} trains there; give this run another --work-dir, or wait for the end of that one',
            None,
        )
    except OSError:  # a file system without locks
        return None, file
    file.truncate(0)
    file.write(f'process {os.getpid()} on {socket.gethostname()}, since {time.strftime("%Y-%m-%d %H:%M")},\n')
    file.flush()
    return None, file
