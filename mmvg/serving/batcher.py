"""Questions of several requests, computed together: the longer the model takes, the more of them share its next run."""

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from mmvg.apis.answering import Question, fits

Answers = list[dict[str, Any] | Exception]


class QueueFullError(RuntimeError):
    """There are too many questions already."""


class StoppedError(RuntimeError):
    """Nothing new is taken."""


@dataclass
class _Entry:
    question: Question
    future: Future = field(default_factory=Future)
    since: float = field(default_factory=time.monotonic)


class Batcher:
    """A queue, and a thread that answers what waits in it, as much as fits into a batch at a time.

    A batch starts when it is full, or ``max_wait`` after the model got free and something waits. Whoever is alone does
    not wait: if since the last batch one request has come in, there is nobody to wait for.

    Args:
        answer: Answers a batch; gives a record or an exception for each question.
        max_batch: Questions of a batch at most.
        max_wait: Seconds that a batch is held open for others.
        max_waiting: Questions that may wait.
        observe: Called behind each batch with its size, the seconds it took, and those that each question waited.
    """

    def __init__(
        self,
        answer: Callable[[Sequence[Question]], Answers],
        max_batch: int = 8,
        max_wait: float = 0.005,
        max_waiting: int = 64,
        observe: Callable[[int, float, list[float]], None] = lambda *_: None,
    ) -> None:
        self.max_batch = max_batch
        self.max_wait = max_wait
        self.max_waiting = max_waiting
        self.failed_in_a_row = 0
        self._answer = answer
        self._observe = observe
        self._waiting: deque[_Entry] = deque()
        self._changed = threading.Condition()
        self._requests = 0  # since the last batch was taken
        self._closed = False
        self._seconds_each = 0.1  # of the model per question, a running mean
        self._thread = threading.Thread(target=self._work, name='mmvg-batcher', daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        return len(self._waiting)

    def submit(self, questions: Sequence[Question]) -> list[Future]:
        """Let the questions of one request wait for their answers, all of them or none.

        Returns:
            For each the future of its record. One that is cancelled before its turn is not computed, see also
            :meth:`forget`.

        Raises:
            QueueFullError: If so many do not fit into the queue.
            StoppedError: If nothing new is taken.
        """
        with self._changed:
            if self._closed:
                raise StoppedError
            if len(self._waiting) + len(questions) > self.max_waiting:
                raise QueueFullError
            entries = [_Entry(question) for question in questions]
            self._waiting.extend(entries)
            self._requests += 1
            self._changed.notify()
        return [entry.future for entry in entries]

    def forget(self, futures: Iterable[Future]) -> None:
        """Cancel what has not had its turn, and let go of its pictures."""
        for future in futures:
            future.cancel()
        with self._changed:
            self._waiting = deque(entry for entry in self._waiting if not entry.future.cancelled())

    def seconds_to_wait(self) -> int:
        """Return after how many whole seconds the queue will be worked off, roughly; 1 at least."""
        return max(1, math.ceil(len(self._waiting) * self._seconds_each))

    def is_healthy(self) -> bool:
        """Tell whether answers come: the thread runs, and not everything of the last batches failed."""
        return self._thread.is_alive() and self.failed_in_a_row < 3

    def close(self, timeout: float | None = None) -> None:
        """Take nothing new, answer what waits, and end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(timeout)

    def _work(self) -> None:
        while (batch := self._next_batch()) is not None:
            if batch:
                self._run(batch)

    def _next_batch(self) -> list[_Entry] | None:
        """Wait for a batch; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if not self._waiting:
                return None
            if self._requests > 1:
                self._changed.wait_for(lambda: self._closed or self._is_full(), self.max_wait)
            self._requests = 0
            batch: list[_Entry] = []
            while self._waiting and fits(
                [entry.question for entry in batch], self._waiting[0].question, self.max_batch
            ):
                entry = self._waiting.popleft()
                if entry.future.set_running_or_notify_cancel():
                    batch.append(entry)
            return batch

    def _is_full(self) -> bool:
        return len(self._waiting) >= self.max_batch

    def _run(self, batch: list[_Entry]) -> None:
        start = time.monotonic()
        try:
            answers = self._answer([entry.question for entry in batch])
        except BaseException as error:  # whatever it is, those who wait have to hear of it
            logging.getLogger(__name__).exception('a batch of %d could not be answered', len(batch))
            answers = [error] * len(batch)
        took = time.monotonic() - start
        self._seconds_each += 0.2 * (took / len(batch) - self._seconds_each)
        failed = all(isinstance(answer, BaseException) for answer in answers)
        self.failed_in_a_row = self.failed_in_a_row + 1 if failed else 0
        self._observe(len(batch), took, [start - entry.since for entry in batch])
        for entry, answer in zip(batch, answers, strict=True):
            if isinstance(answer, BaseException):
                entry.future.set_exception(answer)
            else:
                entry.future.set_result(answer)
