"""From truth and answers to scores, in one process or several, with the same digits."""

import copy
import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from mmvg.scoring.answer_file import AnswerFile
from mmvg.scoring.answers import AnswerError, AnswerReader
from mmvg.scoring.declaration import Declaration, DeclarationError
from mmvg.scoring.findings import Findings
from mmvg.scoring.per_sample import SampleRow
from mmvg.scoring.protocols import ONE_BOX, build_protocol
from mmvg.scoring.running_scores import RunningScores
from mmvg.scoring.samples import answered, covered_area, true_sample, unanswered
from mmvg.scoring.truth import TruthSample

if TYPE_CHECKING:
    from mmvg.evaluation import GroundingMetric

#: Expressions that are scored at a time.
CHUNK = 500


@dataclass
class ChunkScores:
    """What some expressions give.

    Args:
        count: Expressions that were scored.
        boxes_only: Expressions that were not, for they need a true mask and have none.
        running: Sums of the scores that are ratios.
        records: Of metrics that need all of them in the end.
        rows: For the table of single expressions, if it is wanted.
        used: Places of the answers that were asked for.
        images: Paths of the pictures that they were asked for, if answers are told apart by those.
        findings: What is odd.
    """

    count: int = 0
    boxes_only: int = 0
    running: RunningScores = field(default_factory=RunningScores)
    records: list[Any] = field(default_factory=list)
    rows: list[SampleRow] = field(default_factory=list)
    used: list[int] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)

    def add(self, other: 'ChunkScores') -> None:
        """Add the expressions that come next; their rows and places are left to the caller."""
        self.count += other.count
        self.boxes_only += other.boxes_only
        self.running.merge(other.running)
        self.records += other.records
        self.findings.add(other.findings)


class Scorer:
    """Scores expressions of the truth by the answers of a file; it can be sent to another process.

    Args:
        answers: The file.
        declaration: How its numbers are meant.
        protocol: Name of the protocol.
        settings: Arguments of its metric.
        with_rows: Whether to make rows for the table of single expressions.

    Raises:
        DeclarationError: If the rule which box counts is missing or does not fit the protocol.
        ValueError: If there is no such protocol.
    """

    def __init__(
        self,
        answers: AnswerFile,
        declaration: Declaration,
        protocol: str,
        settings: Mapping[str, Any] | None = None,
        with_rows: bool = False,
    ) -> None:
        self.answers = answers
        self.declaration = declaration
        self.metric = build_protocol(protocol, settings)
        self.with_rows = with_rows
        self._needs_grasps = self.metric.default_prefix in ('grasp', 'grasp_anything')
        self.rule = None if self._needs_grasps else declaration.require_rule()
        if self.rule == 'all' and type(self.metric).__name__ in ONE_BOX:
            raise DeclarationError(
                f'--rule all does not fit protocol {protocol}, which scores one box per expression; to count whichever '
                'of several is nearest to the truth is no answer. Declare first or best_scored, or score sets with grec'
            )
        self.reader = AnswerReader(declaration, answers.path.parent)

    def __call__(self, samples: Iterable[TruthSample]) -> ChunkScores:
        """Score expressions, in order.

        Raises:
            AnswerError: If an answer cannot be used; names file and line.
            DeclarationError: If something has to be declared first.
        """
        chunk = ChunkScores()
        for truth in samples:
            self._score(truth, chunk)
        return chunk

    def results(self, total: ChunkScores) -> dict[str, float]:
        """Return the scores in percent, and how many expressions they are of."""
        counts = dict(num_samples=total.count) | (dict(num_boxes_only=total.boxes_only) if total.boxes_only else {})
        if not total.count:
            scores = {}
        elif self.metric.additive:
            found, names = total.running.percents(), _of_none(self.metric)
            scores = {name: found.get(name, value) for name, value in names.items()}
            scores |= {name: value for name, value in found.items() if '/' in name}  # of subsets
        else:
            scores = self.metric.summarize(total.records)
        return {f'{self.metric.prefix}/{name}': value for name, value in (scores | counts).items()}

    def uncounted(self, total: ChunkScores) -> list[str]:
        """Return the scores for which no expression counts, which are NaN or, as N-acc, 0 by definition."""
        if not self.metric.additive or not total.count:
            return []
        return [name for name in _of_none(self.metric) if name not in total.running.percents()]

    def _score(self, truth: TruthSample, chunk: ChunkScores) -> None:
        found = self.answers.find(self.answers.question_for(truth.ids, truth.image, truth.sentence), truth.image)
        sample = true_sample(truth, self.metric.needs_masks)
        where = ''
        if found is not None:
            place, line, record = found
            where = f'{self.answers.path.name}, line {line}'
            chunk.used.append(place)
            if self.answers.by_image:
                chunk.images.append(truth.image)
            else:
                _check_sentence(record, truth, where)
            answer = self.reader.read(record, truth.size, chunk.findings, where)
            if not answer.parsed:
                sample |= unanswered(truth)
            else:
                self._check_kind(answer, where)
                try:
                    sample |= answered(truth, answer, self.rule, self._needs_grasps)
                except ValueError as error:
                    raise AnswerError(f'{where}: {error}') from None
        else:
            typed = self.answers.of_other_type(truth.ids)
            about = f'{truth.sentence!r}; {typed}' if typed else repr(truth.sentence)
            chunk.findings.count('missing answer', f'{_shown(truth.ids)} ({about})')
            sample |= unanswered(truth)
        if self.metric.needs_masks and truth.masks is None:
            chunk.boxes_only += 1
            return
        try:
            record = self.metric.score(sample)
        except ValueError as error:
            raise AnswerError(f'{where or truth.ids}: {error}') from error
        self._count(truth, sample, record, chunk)

    def _count(self, truth: TruthSample, sample: dict[str, Any], record: Any, chunk: ChunkScores) -> None:
        chunk.count += 1
        parts = self.metric.parts(record)
        if self.metric.additive:
            chunk.running.add(parts)
        else:
            chunk.records.append(record)
        if self.with_rows:
            width, height = truth.size
            chunk.rows.append(
                SampleRow(
                    id=dict(truth.ids),
                    sentence=truth.sentence,
                    image=truth.image,
                    size=(height, width),
                    targets=len(truth.boxes),
                    area=covered_area(truth, sample),
                    facts=dict(truth.facts),
                    parts={f'{self.metric.prefix}/{name}': part for name, part in parts.items()},
                )
            )

    def _check_kind(self, answer: Any, where: str) -> None:
        """Check that an answer is of the kind that the protocol scores."""
        if answer.says_nothing(self._needs_grasps):
            return
        kind, there = ('boxes', answer.boxes is not None)
        if self._needs_grasps:
            kind, there = ('grasps', answer.grasps is not None)
        elif self.metric.needs_masks:
            kind, there = ('masks', answer.masks is not None)
        if not there:
            raise AnswerError(
                f'{where}: the protocol scores {kind}, and the answer has none: write {kind}, or take another protocol'
            )


def score_chunks(
    scorer: Scorer, samples: Iterable[TruthSample], processes: int = 1, chunk_size: int | None = None
) -> Iterator[ChunkScores]:
    """Score expressions chunk by chunk, in order, with few chunks in memory at a time.

    Args:
        scorer: Scores a chunk.
        samples: The truth.
        processes: How many processes score; in one, nothing is started.
        chunk_size: Expressions in a chunk; by default ``CHUNK``.
    """
    chunk_size = chunk_size or CHUNK
    remaining = iter(samples)
    chunks = iter(lambda: list(islice(remaining, chunk_size)), [])
    if processes == 1:
        yield from map(scorer, chunks)
        return
    context = multiprocessing.get_context('fork' if 'fork' in multiprocessing.get_all_start_methods() else None)
    with ProcessPoolExecutor(processes, context, _set_scorer, (scorer,)) as pool:
        waiting: deque = deque()
        for chunk in chunks:
            waiting.append(pool.submit(_score_here, chunk))
            if len(waiting) > 2 * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _shown(ids: Mapping[str, Any]) -> str:
    return ' '.join(f'{key}={value!r}' for key, value in ids.items())


def _check_sentence(record: Mapping[str, Any], truth: TruthSample, where: str) -> None:
    """Check that an answer that is found by ids is to the sentence that the data has, if it says to which.

    Raises:
        AnswerError: If it is not; the words count, and not their case and punctuation, which data sets clean away.
    """
    said = record.get('expression')
    if isinstance(said, str) and _words(said) != _words(truth.sentence):
        raise AnswerError(
            f'{where}: the answer is to {said!r}, but {_shown(truth.ids)} is {truth.sentence!r} in the data: are the '
            'ids of other data, or were other sentences asked? Write the ids of the sentence, or leave "expression" out'
        )


def _words(sentence: str) -> str:
    return ''.join(filter(str.isalnum, sentence.casefold()))


def _of_none(metric: 'GroundingMetric') -> dict[str, float]:
    """Return the results of a metric for no expression, without its warnings."""
    silent = copy.copy(metric)
    silent._warn = lambda message: None
    return silent.summarize([])


_here: list[Callable] = []


def _set_scorer(scorer: Scorer) -> None:
    """Keep the scorer of this process."""
    _here[:] = [scorer]


def _score_here(chunk: list[TruthSample]) -> ChunkScores:
    return _here[0](chunk)
