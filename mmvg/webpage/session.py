"""What the page does, without the page: load models, answer, draw, and put mistakes into words."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from html import escape
from threading import Lock

import numpy as np

from mmvg.apis import GroundingInferencer, answer_record, describe_answer, read_image
from mmvg.apis.command_line import is_explained
from mmvg.apis.inferencer import check_expressions
from mmvg.structures import GroundingSample, check_threshold
from mmvg.visualization.layers import PARTS
from mmvg.webpage.checkpoints import ModelChoice

#: More sentences than this at once are refused.
MAX_SENTENCES = 32


@dataclass
class AskedPicture:
    """A picture with the samples of all sentences that were asked about it.

    Args:
        picture: (H, W, 3) uint8 RGB.
        samples: One per sentence, with everything that the model proposes.
        own_thr: The threshold of the model.
    """

    picture: np.ndarray
    samples: list[GroundingSample]
    own_thr: float


class Session:
    """Answers for the page; keeps the last models that were asked for.

    Args:
        choices: The models on offer.
        device: As for :class:`mmvg.apis.GroundingInferencer`.
        keep: How many models stay loaded.
    """

    def __init__(self, choices: Sequence[ModelChoice], device: str | None = None, keep: int = 2) -> None:
        self.choices = {choice.label: choice for choice in choices}
        self.device = device
        self.keep = keep
        self._loaded: dict[str, GroundingInferencer] = {}
        self._lock = Lock()

    def model(self, label: str) -> GroundingInferencer:
        """The model that the page calls ``label``, loaded if need be.

        Raises:
            FileNotFoundError: If its files are gone.
            ValueError: If there is no such model, or its files do not fit each other.
        """
        if label not in self.choices:
            raise ValueError(f'there is no model {label!r}; choose one of the list')
        with self._lock:
            if label not in self._loaded:
                choice = self.choices[label]
                loaded = GroundingInferencer(
                    choice.model, choice.weights, self.device, show_progress=False, trust_config=choice.trust_config
                )
                while len(self._loaded) >= self.keep:
                    self._loaded.pop(next(iter(self._loaded)))
                self._loaded[label] = loaded
            return self._loaded[label]

    def ask(self, label: str, picture: str | None, text: str) -> AskedPicture:
        """Ask every line of ``text`` about a picture.

        Args:
            label: Of the model.
            picture: Path of a file, or None if there is none.
            text: A sentence per line; empty lines are left out.

        Raises:
            FileNotFoundError: If the model is not there.
            ValueError: If picture, text or model cannot be used.
        """
        if not picture:
            raise ValueError('there is no picture yet: upload one, or let a scene be drawn')
        sentences = check_expressions([line.strip() for line in text.splitlines() if line.strip()])
        if len(sentences) > MAX_SENTENCES:
            raise ValueError(f'{len(sentences)} sentences are too many at once; ask at most {MAX_SENTENCES}')
        image = read_image(picture)
        model = self.model(label)
        with self._lock:
            samples = model(image, sentences, return_datasamples=True)['predictions']
        return AskedPicture(np.ascontiguousarray(image[..., ::-1]), samples, model.score_thr)

    def draw(
        self, label: str, asked: AskedPicture, score_thr: float, parts: Collection[str] = PARTS
    ) -> list[np.ndarray]:
        """Draw the answers at a threshold: a picture (h, w, 3) uint8 RGB per sentence.

        Raises:
            ValueError: If the threshold is not in [0, 1].
        """
        score_thr = check_threshold(score_thr)
        visualizer = self.model(label).visualizer
        return [visualizer.draw(asked.picture, sample, score_thr=score_thr, parts=parts) for sample in asked.samples]


def records(asked: AskedPicture, score_thr: float) -> list[dict]:
    """Write the answers at a threshold as JSON can hold them, see :func:`mmvg.apis.answer_record`.

    Raises:
        ValueError: If the threshold is not in [0, 1].
    """
    return [answer_record(sample, check_threshold(score_thr)) for sample in asked.samples]


def table(rows: Sequence[dict]) -> str:
    """An HTML table of records: sentence and answer."""
    cells = ''.join(
        f'<tr class="{"nothing" if row.get("no_target") else "found"}"><td>{number}</td>'
        f'<td>{escape(row["expression"])}</td><td>{escape(describe_answer(row))}</td></tr>'
        for number, row in enumerate(rows, 1)
    )
    return f'<table class="answers"><tr><th></th><th>sentence</th><th>answer</th></tr>{cells}</table>'


def explain(error: Exception) -> str:
    """A sentence for whoever uses the page; what is nobody's mistake is logged with its traceback."""
    if isinstance(error, (OSError, ValueError)) and is_explained(error):
        return str(error)
    logging.getLogger(__name__).error('the page could not answer', exc_info=error)
    return f'something went wrong inside ({type(error).__name__}: {error}); the terminal shows where'
