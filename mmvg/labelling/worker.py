"""What a worker does: all pictures of a shard, in batches that depend on nothing but the listing."""

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from mmvg.export.folder import is_exported
from mmvg.labelling.entries import Entry
from mmvg.labelling.records import answer_schema, to_table
from mmvg.labelling.run_folder import RunFolder, ShardNote
from mmvg.pictures import ImageError, decode_picture
from mmvg.whole_files import whole_file

_AHEAD = 8  # pictures that are read while others are computed
_ROWS = 256  # answers that are written together


class LabelError(RuntimeError):
    """The model cannot be opened or answers nothing, or workers keep dying; the message is written for users.

    Args:
        message: What happened, and what to do.
        exit_code: What the command line ends with: 2 after a mistake of the user, 4 where a run was lost.
    """

    def __init__(self, message: str, exit_code: int = 4) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class StoppedError(RuntimeError):
    """The worker was told to end."""


@dataclass(frozen=True)
class Work:
    """How answers are made.

    Args:
        folder: Of the run.
        model: As for :class:`mmvg.apis.GroundingInferencer`.
        device: As there.
        trust_config: As there.
        threads: Of what computes: sums of floating-point numbers depend on it, and so the last digits.
    """

    folder: str
    model: str
    device: str | None = None
    trust_config: bool = False
    threads: int = 1


class Worker:
    """Loads the model, and labels one shard after the other.

    Args:
        work: How.
        stopped: Asked before each batch; what is begun is given up when it says so.
    """

    def __init__(self, work: Work, stopped: Callable[[], bool] = lambda: False) -> None:
        import torch

        from mmvg.apis.inferencer import GroundingInferencer

        torch.set_num_threads(work.threads)
        self.run = RunFolder(work.folder)
        settings = self.run.settings
        options = dict(threads=work.threads) if is_exported(work.model) else dict(show_progress=False)
        self.find = GroundingInferencer(
            work.model,
            device=work.device,
            score_thr=settings['score_thr'],
            trust_config=work.trust_config,
            **options,
        )
        self.stopped = stopped

    def label(self, shard: int) -> ShardNote:
        """Answer what is asked of the pictures of a shard, and write it.

        Raises:
            LabelError: If the model fails at all of them.
            StoppedError: If the worker is told to end; nothing is written.
        """
        from pyarrow import parquet

        entries, failed = self.run.entries(shard), []
        counts = dict(answers=0, model_errors=0)
        with (
            whole_file(self.run.file('jsonl', shard)) as lines,
            whole_file(self.run.file('parquet', shard)) as rows,
            lines.open('w', encoding='utf-8') as text,
            parquet.ParquetWriter(rows, answer_schema(), compression='zstd') as table,
        ):
            for records in _together(self._records(entries, failed, counts), _ROWS):
                text.writelines(json.dumps(record) + '\n' for record in records)
                table.write_table(to_table(records))
            if counts['model_errors'] and not counts['answers']:
                raise LabelError(f'the model answers nothing, as here: {failed[-1]["image"]}: {failed[-1]["error"]}')
        return self.run.note(ShardNote(shard, len(entries), counts['answers'], failed))

    def _records(self, entries: list[Entry], failed: list[dict], counts: dict[str, int]) -> Iterator[dict[str, Any]]:
        """Yield answers in order; note what failed."""
        from mmvg.apis.answering import answer_questions, in_batches

        settings = self.run.settings
        for batch in in_batches(self._questions(entries, failed), settings['batch_size']):
            if self.stopped():
                raise StoppedError
            for question, answer in zip(batch, answer_questions(self.find, batch), strict=True):
                if isinstance(answer, Exception):
                    error = f'{type(answer).__name__}: {answer}'[:500]
                    failed.append(dict(image=question.name, expression=question.sentence, error=error))
                    counts['model_errors'] += 1
                else:
                    counts['answers'] += 1
                    yield answer

    def _questions(self, entries: list[Entry], failed: list[dict]) -> Iterator[Any]:
        from mmvg.apis.answering import Question

        for entry, picture in read_ahead(entries):
            if isinstance(picture, str):
                failed.append(dict(image=entry.image, error=picture))
                continue
            given = self.run.settings['sentences']
            asked = given or entry.sentences or ()
            ids = entry.ids if len(asked) == 1 and not given else None  # those of a line tell no other sentences apart
            for sentence in asked:
                yield Question(picture, sentence, entry.image, whole=self.run.settings['whole'], about=ids)


def read_ahead(entries: Iterable[Entry]) -> Iterator[tuple[Entry, np.ndarray | str]]:
    """Yield entries with their pictures, (H, W, 3) uint8 BGR, or what is wrong; the next ones are read meanwhile."""
    entries = iter(entries)
    with ThreadPoolExecutor(2, thread_name_prefix='mmvg-read') as pool:
        waiting: deque[tuple[Entry, Future]] = deque()
        last: tuple[Entry, Future] | None = None
        while True:
            for entry in islice(entries, _AHEAD - len(waiting)):
                same = last is not None and (entry.path, entry.span) == (last[0].path, last[0].span) and not entry.error
                last = (entry, last[1] if same else pool.submit(read_entry, entry))
                waiting.append(last)
            if not waiting:
                return
            entry, future = waiting.popleft()
            yield entry, future.result()


def read_entry(entry: Entry) -> np.ndarray | str:
    """Read the picture of an entry; gives a sentence if that cannot be done."""
    if entry.error is not None or entry.path is None:
        return entry.error or 'there is no picture'
    try:
        if entry.span is None:
            content = Path(entry.path).read_bytes()
        else:
            with open(entry.path, 'rb') as file:
                file.seek(entry.span[0])
                content = file.read(entry.span[1])
        return decode_picture(content, entry.image)
    except ImageError as error:
        return str(error)
    except OSError as error:
        return f'{entry.image}: cannot be read ({error.strerror or error})'
    except MemoryError:
        return f'{entry.image}: there is no memory for it'


def _together(records: Iterator[dict[str, Any]], count: int) -> Iterator[list[dict[str, Any]]]:
    while rows := list(islice(records, count)):
        yield rows
