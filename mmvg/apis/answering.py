"""Many questions of many askers, answered together: each gets its own answer, or its own error."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mmvg.apis.inferencer import GroundingInferencer
from mmvg.structures import Answer

#: Pixels of all pictures that are computed together, unless a single one has more: masks are as large as pictures.
PIXELS_AT_ONCE = 16_000_000


@dataclass(frozen=True, eq=False)
class Question:
    """One sentence about one picture.

    Args:
        picture: (H, W, 3) uint8 BGR, upright. Questions about one picture share the array.
        sentence: What to look for.
        name: How the answer calls the picture, if it does.
        score_thr: Takes the place of the model's threshold.
        whole: Give the candidates too, from which an answer can be scored and decided anew.
        about: Further entries of the record of the answer, such as the ids of a data set.
    """

    picture: np.ndarray
    sentence: str
    name: str | None = None
    score_thr: float | None = None
    whole: bool = False
    about: dict[str, Any] | None = None

    @property
    def pixels(self) -> int:
        """Pixels of the picture."""
        return self.picture.shape[0] * self.picture.shape[1]


def fits(batch: Sequence[Question], question: Question, most: int) -> bool:
    """Tell whether a question may be computed together with those of a batch.

    Args:
        batch: Those that are there already.
        question: The next one.
        most: Questions of a batch at most.
    """
    pixels = question.pixels + sum(other.pixels for other in batch)
    return not batch or (len(batch) < most and pixels <= PIXELS_AT_ONCE)


def in_batches(questions: Iterable[Question], most: int) -> Iterator[list[Question]]:
    """Cut questions into batches, in order, by number and by pixels."""
    batch: list[Question] = []
    for question in questions:
        if not fits(batch, question, most):
            yield batch
            batch = []
        batch.append(question)
    if batch:
        yield batch


def answer_questions(find: GroundingInferencer, questions: Sequence[Question]) -> list[dict[str, Any] | Exception]:
    """Answer questions in one batch; if that fails, one by one, so that a bad one spoils no other.

    Args:
        find: The model.
        questions: All of them are computed together.

    Returns:
        For each the record of its answer (:meth:`mmvg.structures.Answer.to_record`), or what went wrong.
    """
    try:
        return _answer_together(find, questions)
    except Exception as error:
        if len(questions) == 1:
            return [error]
        logging.getLogger(__name__).warning('a batch of %d failed, its parts are tried: %r', len(questions), error)
    return [answer for question in questions for answer in answer_questions(find, [question])]


def _answer_together(find: GroundingInferencer, questions: Sequence[Question]) -> list[dict[str, Any]]:
    samples = find(
        [question.picture for question in questions],
        [question.sentence for question in questions],
        pairs=True,
        batch_size=len(questions),
        return_datasamples=True,
    )['predictions']
    records = []
    for question, sample in zip(questions, samples, strict=True):
        threshold = find.score_thr if question.score_thr is None else question.score_thr
        if isinstance(sample, Answer):  # of an exported model
            answer = replace(sample.at(threshold), image=question.name)
        else:
            sample.set_metainfo(dict(img_path=question.name))
            answer = Answer.from_sample(sample, threshold)
        record = answer.to_record(question.whole)
        records.append(record if question.about is None else {'version': record['version'], **question.about, **record})
    return records
