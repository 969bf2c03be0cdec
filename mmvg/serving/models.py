"""The models of a server, each with its own queue."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmvg.apis.answering import Question, answer_questions
from mmvg.apis.inferencer import GroundingInferencer
from mmvg.serving.batcher import Batcher
from mmvg.serving.errors import RequestError
from mmvg.serving.metrics import ServerMetrics


class ServedModel:
    """A model that answers what waits in its queue.

    Args:
        name: What requests call it.
        find: The model.
        turn: Who computes holds it; models that share a device share it.
        metrics: Count its batches.
        batching: ``max_batch``, ``max_wait`` and ``max_waiting`` of :class:`Batcher`.
    """

    def __init__(
        self, name: str, find: GroundingInferencer, turn: threading.Lock, metrics: ServerMetrics, **batching: Any
    ) -> None:
        self.name = name
        self.find = find
        self._turn = turn
        find.show_progress = False
        self.batcher = Batcher(self._answer, observe=metrics.observer_of(name), **batching)
        metrics.waiting.labels(name).set_function(self.batcher.__len__)

    def warm_up(self) -> None:
        """Answer once, so that the first request need not wait for what is made at a first time.

        Raises:
            Exception: If the model cannot answer.
        """
        blank = np.full((64, 64, 3), 128, dtype=np.uint8)
        answer = self._answer([Question(blank, 'the object')])[0]
        if isinstance(answer, Exception):
            raise answer

    def _answer(self, questions: Sequence[Question]) -> list[dict[str, Any] | Exception]:
        with self._turn:
            return answer_questions(self.find, questions)


class ServedModels:
    """All models of a server, by name.

    Args:
        inferencers: By name, the first is asked where a request names none.
        metrics: Count their batches.
        batching: As of :class:`ServedModel`.

    Raises:
        ValueError: If there is none.
    """

    def __init__(self, inferencers: dict[str, GroundingInferencer], metrics: ServerMetrics, **batching: Any) -> None:
        if not inferencers:
            raise ValueError('there is no model to serve')
        turn = threading.Lock()
        self._models = {name: ServedModel(name, find, turn, metrics, **batching) for name, find in inferencers.items()}

    def __iter__(self):
        return iter(self._models.values())

    def get(self, name: str | None) -> ServedModel:
        """Return a model, by default the first.

        Raises:
            RequestError: If there is no such model.
        """
        if name is None:
            return next(iter(self._models.values()))
        if name not in self._models:
            known = ', '.join(map(repr, self._models))
            raise RequestError(404, 'unknown_model', f'there is no model {name!r:.80}; there are {known}')
        return self._models[name]

    def are_healthy(self) -> bool:
        """Tell whether each of them answers."""
        return all(model.batcher.is_healthy() for model in self)

    def close(self, timeout: float | None = None) -> None:
        """Take no new question, answer those that wait, and end."""
        for model in self:
            model.batcher.close(timeout)


def model_names(words: Sequence[str]) -> dict[str, str]:
    """Return name -> model of words that are ``MODEL`` or ``NAME=MODEL``.

    Without a name it is that of the file or folder, ``last`` for ``work_dirs/last.pth``, or the model itself.

    Raises:
        ValueError: If two have one name.

    Example:
        >>> model_names(['instancevg_refshapes', 'runs/lavt/best.pth', 'new=hf://user/name'])
        {'instancevg_refshapes': 'instancevg_refshapes', 'best': 'runs/lavt/best.pth', 'new': 'hf://user/name'}
    """
    found: dict[str, str] = {}
    for word in words:
        name, equals, model = word.partition('=')
        if not equals or '/' in name:
            plain = Path(word)
            model, name = word, plain.stem if plain.suffix in ('.pth', '.pt', '.ckpt', '.safetensors') else plain.name
        if name in found:
            raise ValueError(
                f'two models are called {name!r}; name them: mmvg serve first={found[name]} second={model}'
            )
        found[name] = model
    return found
