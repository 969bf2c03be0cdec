"""While a stranger's config is built, nothing that it names is unpickled or read as a program by MMEngine.

Some parts of MMSegmentation and MMDetection hand an argument, such as ``class_weight='weights.pkl'``, to
``mmengine.fileio.load``, which fetches addresses, unpickles and reads YAML with all its tags.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from mmengine.fileio import BaseFileHandler
from mmengine.fileio.handlers.registry_utils import file_handlers

from mmvg.weights.errors import CheckpointError

_closed: ContextVar[bool] = ContextVar('closed', default=False)
#: Formats of MMEngine that can run code.
UNSAFE = ('pkl', 'pickle', 'yaml', 'yml')


class GuardedHandler(BaseFileHandler):
    """Reads and writes as another handler does, except in :func:`closed_loading`.

    Args:
        handler: Of MMEngine.
    """

    def __init__(self, handler: BaseFileHandler) -> None:
        self.handler = handler
        self.str_like = handler.str_like

    def load_from_fileobj(self, file: Any, **options: Any) -> Any:
        """Read an open file."""
        self._check()
        return self.handler.load_from_fileobj(file, **options)

    def load_from_path(self, filepath: Any, **options: Any) -> Any:
        """Read a file by its name."""
        self._check()
        return self.handler.load_from_path(filepath, **options)

    def dump_to_fileobj(self, obj: Any, file: Any, **options: Any) -> None:
        """Write into an open file."""
        self.handler.dump_to_fileobj(obj, file, **options)

    def dump_to_path(self, obj: Any, filepath: Any, **options: Any) -> None:
        """Write a file."""
        self.handler.dump_to_path(obj, filepath, **options)

    def dump_to_str(self, obj: Any, **options: Any) -> Any:
        """Write into a string."""
        return self.handler.dump_to_str(obj, **options)

    def _check(self) -> None:
        if _closed.get():
            raise CheckpointError(
                f'the config asks for a file in a format that can run code ({type(self.handler).__name__}); give a '
                'config of your own, or trust_config=True if you trust who made it'
            )


def refuse_program(path: str | Path) -> None:
    """Refuse to run a config in Python in :func:`closed_loading`; elsewhere do nothing.

    Parts that read such a config, by a path that they are given, call this before.

    Raises:
        CheckpointError: If a stranger's config is being built.

    Example:
        >>> refuse_program('mine.py')
        >>> with closed_loading():
        ...     refuse_program('mine.py')
        Traceback (most recent call last):
            ...
        mmvg.weights.errors.CheckpointError: the config asks to run mine.py; ...
    """
    if _closed.get():
        raise CheckpointError(
            f'the config asks to run {path}; give a config of your own, or trust_config=True if you trust who made it'
        )


@contextmanager
def closed_loading(closed: bool = True) -> Iterator[None]:
    """Refuse, as long as the context lasts and in its thread, that MMEngine unpickles files or reads YAML.

    Example:
        >>> from mmengine.fileio import dump, load
        >>> dump([1], 'weights.pkl')
        >>> with closed_loading():
        ...     load('weights.pkl')
        Traceback (most recent call last):
            ...
        mmvg.weights.errors.CheckpointError: the config asks for a file in a format that can run code ...
    """
    for name in UNSAFE:
        if not isinstance(file_handlers[name], GuardedHandler):
            file_handlers[name] = GuardedHandler(file_handlers[name])
    before = _closed.set(closed)
    try:
        yield
    finally:
        _closed.reset(before)
