"""One run at a time in a work dir."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from mmengine.dist import broadcast_object_list, is_main_process

from mmvg.engine.errors import RunError
from mmvg.whole_files import FolderInUseError, sole_writer


@contextmanager
def work_dir_lock(folder: str | Path) -> Iterator[None]:
    """Hold the work dir of a training; the kernel gives it back even when the process is killed.

    Args:
        folder: It is made.

    Raises:
        RunError: If another run holds it; says which.

    Example:
        >>> import os
        >>> with work_dir_lock('work_dirs/lavt'):
        ...     print(os.listdir('work_dirs/lavt'))
        ['.lock']
    """
    problem = [None]
    with ExitStack() as held:
        if is_main_process():
            try:
                held.enter_context(sole_writer(folder))
            except FolderInUseError as error:
                cure = 'give this run another --work-dir, or wait for the end of that one'
                problem[0] = f'{folder}: {error.holder} trains there; {cure}'
        broadcast_object_list(problem)
        if problem[0] is not None:
            raise RunError(problem[0], exit_code=2)
        yield
