"""What the page does, without the page: load models, answer, draw, and put mistakes into words."""

import ctypes
import logging
import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from html import escape
from pathlib import Path
from threading import Lock

import numpy as np

from mmvg.apis import GroundingInferencer, answer_record, describe_answer
from mmvg.apis.answering import PIXELS_AT_ONCE
from mmvg.apis.command_line import is_explained
from mmvg.pictures import decode_picture
from mmvg.structures import Answer, GroundingSample, check_threshold
from mmvg.visualization import GroundingVisualizer
from mmvg.visualization.layers import PARTS
from mmvg.webpage.checkpoints import ModelChoice
from mmvg.webpage.kept_answers import AskedPicture, KeptAnswers, pack_sample, packed_bytes
from mmvg.webpage.limits import Limits

#: A path from the root, from home or from a drive, and its last part; names of folders may have blanks within them.
_ABSOLUTE = re.compile(
    r"""(?:(?<![\w.~/\\])|~|\b[A-Za-z]:)[/\\](?:[^/\\'":;,()\n]*[^/\\'":;,()\s][/\\])+([^/\\'":;,()\s]*)"""
)


class Session:
    """Answers for the page; keeps the last models that were asked for.

    Args:
        choices: The models on offer.
        device: As for :class:`mmvg.apis.GroundingInferencer`.
        keep: How many models stay loaded.
        limits: How much may be asked for.
    """

    def __init__(
        self,
        choices: Sequence[ModelChoice],
        device: str | None = None,
        keep: int = 2,
        limits: Limits | None = None,
    ) -> None:
        self.choices: dict[str, ModelChoice] = {}
        for choice in choices:
            others = sum(label == choice.label or label.startswith(f'{choice.label} #') for label in self.choices)
            self.choices[f'{choice.label} #{others + 1}' if others else choice.label] = choice
        self.device = device
        self.keep = keep
        self.limits = limits or Limits()
        self.kept = KeptAnswers(int(self.limits.memory_mb * 1e6))
        self.visualizer = GroundingVisualizer(name=f'page_{id(self)}')
        self._loaded: dict[str, GroundingInferencer] = {}
        self._lock = Lock()

    def model(self, label: str) -> GroundingInferencer:
        """The model that the page calls ``label``, loaded if need be.

        Raises:
            FileNotFoundError: If its files are gone.
            ValueError: If there is no such model, or its files do not fit each other.
        """
        if label not in self.choices:
            raise ValueError(f'there is no model {label!r:.80}; choose one of the list')
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

    def first_model(self) -> str:
        """Label of the first model that can be loaded; those before it are left to whoever chooses them.

        Raises:
            FileNotFoundError: If the files of all are gone.
            ValueError: If none can be used; says why the first cannot.
        """
        first_problem = None
        for label in self.choices:
            try:
                self.model(label)
                return label
            except (OSError, ValueError) as error:
                first_problem = first_problem or error
                logging.getLogger(__name__).warning('%s is on the list, but cannot be loaded: %s', label, error)
        raise first_problem

    def ask(self, label: str, picture: str | Path | None, text: str | None) -> AskedPicture:
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
        sentences = self._sentences('' if text is None else text)
        image, name = self._image(Path(picture)), Path(picture).name
        model = self.model(label)
        size = image.shape[:2]
        at_once = max(1, min(8, PIXELS_AT_ONCE // (size[0] * size[1])))
        samples: list[GroundingSample] = []
        taken = 0
        for start in range(0, len(sentences), at_once):
            with self._lock:
                answered = model(image, sentences[start : start + at_once], return_datasamples=True)['predictions']
            for answer in answered:
                sample = answer.to_sample() if isinstance(answer, Answer) else answer  # of an exported model
                sample.set_metainfo(dict(img_path=name))
                samples.append(pack_sample(sample))
                taken += packed_bytes(samples[-1])
            if taken > self.limits.visitor_mb * 1e6:
                raise ValueError(
                    f'the masks of these answers take more than the {self.limits.visitor_mb:g} MB that a visitor may '
                    'take; ask fewer sentences at once, or about a smaller picture'
                )
        reduced = self.visualizer.reduce(np.ascontiguousarray(image[..., ::-1]))
        del image, answered
        give_back_memory()
        return AskedPicture(reduced, size, samples, model.score_thr)

    def draw(self, asked: AskedPicture, score_thr: float, parts: Collection[str] = PARTS) -> list[np.ndarray]:
        """Draw the answers at a threshold: a picture (h, w, 3) uint8 RGB per sentence.

        Raises:
            ValueError: If the threshold is not in [0, 1].
        """
        score_thr = check_threshold(score_thr)
        drawn = [
            self.visualizer.draw(asked.picture, sample, score_thr=score_thr, parts=parts, size=asked.size)
            for sample in asked.samples
        ]
        give_back_memory()
        return drawn

    def _sentences(self, text: str) -> list[str]:
        """The lines of a text that are not blank.

        Raises:
            ValueError: If there are none, too many, or one is too long or holds no word.
        """
        if not isinstance(text, str):
            raise ValueError(f'the sentences must be text, one per line, not {text!r:.80}')
        most, letters = self.limits.sentences, self.limits.letters
        if len(text) > most * (letters + 2):
            raise ValueError(f'{len(text)} letters are too many at once; ask at most {most} sentences of {letters}')
        return self.limits.check_sentences(line.strip() for line in text.splitlines() if line.strip())

    def _image(self, path: Path) -> np.ndarray:
        """Read an upload as (H, W, 3) BGR; errors call it by its own name, without the folder it lies in."""
        try:
            content = path.read_bytes()
        except OSError:
            raise ValueError(f'{path.name}: the picture is no longer there; upload it again') from None
        return decode_picture(content, path.name, max_pixels=self.limits.pixels)


def give_back_memory() -> None:
    """Let the C library return freed memory to the system, where it can: every thread hoards that of large masks."""
    with suppress(AttributeError, OSError, TypeError):  # not glibc
        ctypes.CDLL(None).malloc_trim(0)


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
    """A sentence for whoever uses the page; what is nobody's mistake is logged with its traceback.

    Of files it gives the name and not the folder, which is nobody's business.
    """
    if isinstance(error, (OSError, ValueError)) and is_explained(error):
        return _ABSOLUTE.sub(r'\1', str(error))
    logging.getLogger(__name__).error('the page could not answer', exc_info=error)
    return f'something went wrong inside ({type(error).__name__}); the terminal shows where'
