"""How far a labelling is, for people."""

import sys
import time
from datetime import timedelta
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_EVERY = 10  # seconds between lines where nobody watches


class Report:
    """A bar on a terminal, a line now and then in a log; to standard error.

    Args:
        total: Pictures in all.
        done: Those of an earlier run.
    """

    def __init__(self, total: int, done: int = 0) -> None:
        self.total, self.before, self.done, self.failed = total, done, done, 0
        self._start, self._told = time.monotonic(), float('-inf')
        columns = (MofNCompleteColumn(), BarColumn(), TextColumn('{task.fields[rate]}'), TimeRemainingColumn())
        console = Console(stderr=True)
        self._bar = Progress('pictures', *columns, console=console) if console.is_terminal else None

    def __enter__(self) -> 'Report':
        if self._bar is not None:
            self._bar.start()
            self._task = self._bar.add_task('', total=self.total, completed=self.done, rate='')
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def add(self, pictures: int, failed: int) -> None:
        """Note that so many more are done."""
        self.done += pictures
        self.failed += failed
        seconds = time.monotonic() - self._start
        rate = (self.done - self.before) / max(seconds, 1e-9)
        if self._bar is not None:
            self._bar.update(self._task, completed=self.done, rate=f'{rate:.1f}/s, {self.failed} failed')
        elif self.done == self.total or time.monotonic() - self._told > _EVERY:
            self._told = time.monotonic()
            left = timedelta(seconds=round((self.total - self.done) / rate))
            text = f'{self.done} of {self.total} pictures, {rate:.1f} a second, {self.failed} failed, {left} left'
            print(text, file=sys.stderr, flush=True)
