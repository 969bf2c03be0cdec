"""Who answers a sentence: the truth, a model, or chance; all in the shape of what a model says."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mmvg.checks import check_choice
from mmvg.structures import fold_angle

from .mask_grasps import NO_GRASPS, mask_to_grasps

if TYPE_CHECKING:
    from mmvg.simulation import TableSentence, TableView
    from mmvg.structures import Answer

ORACLES = ('mask', 'grasp')
BASELINES = ('random', 'mask')
SPOILS = {
    'reversed': 'the sign of the angle is wrong',
    'half': 'the fingers open by half of what is needed',
}


@dataclass(frozen=True)
class PickAnswer:
    """What is to be picked, in pixels of the picture.

    Args:
        grasps: (N, 5) ``[x, y, w, h, theta]``, best first.
        scores: (N,).
        mask: (H, W) bool of what is meant, if it is known.
        nothing: The sentence means nothing in the picture.
    """

    grasps: np.ndarray = field(default_factory=lambda: NO_GRASPS[0])
    scores: np.ndarray = field(default_factory=lambda: NO_GRASPS[1])
    mask: np.ndarray | None = None
    nothing: bool = False


@dataclass(frozen=True)
class Question:
    """A sentence, what is seen, and the truth, which only oracles look at.

    Args:
        view: What the camera sees.
        sentence: With its targets.
        tried: Grasps (N, 5) of the first target that lifted it in a trial; ``'grasp'`` answers with them.
    """

    view: 'TableView'
    sentence: 'TableSentence'
    tried: np.ndarray = field(default_factory=lambda: NO_GRASPS[0])

    @property
    def truth(self) -> np.ndarray:
        """(H, W) bool, what is seen of the targets, or of the part to take them by."""
        masks = [self.view.mask(index, self.sentence.part) for index in self.sentence.targets]
        return np.any(masks, axis=0) if masks else np.zeros(self.view.instances.shape, bool)


Answerer = Callable[[Question], PickAnswer]


def oracle(name: str) -> Answerer:
    """Answer by the true mask and grasps from its shape (``'mask'``), or by grasps that were tried (``'grasp'``)."""
    check_choice('oracle', name, ORACLES)
    return _true_mask if name == 'mask' else _tried_grasps


def _true_mask(question: Question) -> PickAnswer:
    if not question.sentence.targets:
        return PickAnswer(nothing=True)
    return from_mask(question.truth)


def _tried_grasps(question: Question) -> PickAnswer:
    if not question.sentence.targets:
        return PickAnswer(nothing=True)
    return PickAnswer(question.tried, np.ones(len(question.tried)), question.truth)


def from_mask(mask: np.ndarray) -> PickAnswer:
    """The grasps that a mask (H, W) suggests by its shape."""
    return PickAnswer(*mask_to_grasps(mask, jaw=14 * mask.shape[1] / 320), mask)


def random_grasp(seed: int) -> Answerer:
    """Answer with one grasp anywhere in the box of what is meant, turned and opened at random."""

    def answer(question: Question) -> PickAnswer:
        rows, columns = np.nonzero(question.truth)
        rng = np.random.default_rng([seed, *question.sentence.text.encode()])
        if not len(rows):
            return PickAnswer(nothing=bool(rng.random() < 0.5))
        scale = question.truth.shape[1] / 320
        x, y = rng.uniform((columns.min(), rows.min()), (columns.max(), rows.max()))
        grasp = [x, y, rng.uniform(15, 55) * scale, 14 * scale, fold_angle(np.float64(rng.uniform(-np.pi, np.pi)))]
        return PickAnswer(np.array([grasp]), np.ones(1))

    return answer


class ModelAnswerer:
    """Asks a :class:`mmvg.apis.GroundingInferencer`.

    Args:
        model: What it takes first: a checkpoint, a model folder, a config or a name.
        weights: What it takes second.
        device: Such as ``'cpu'``.
        by_mask: Take the grasps that the mask of the answer suggests, instead of those of the answer.
        most: How many grasps of an answer the robot may choose from.
    """

    def __init__(
        self,
        model: str,
        weights: str | None = None,
        device: str | None = None,
        by_mask: bool = False,
        most: int = 10,
    ) -> None:
        from mmvg.apis import GroundingInferencer

        self._ask = GroundingInferencer(model, weights, device, show_progress=False)
        self._by_mask, self._most = by_mask, most
        # an answer now: what PyTorch loads for it cannot be loaded once Mesa renders, whose LLVM is another one
        answer = self._answer(np.zeros((240, 320, 3), np.uint8), 'the mug')
        if not by_mask and answer.grasps is None:
            raise ValueError('the model answers without grasps: take --baseline mask, or a model with a grasp head')

    def _answer(self, image: np.ndarray, sentence: str) -> 'Answer':
        from mmvg.apis.answer_records import answer_of

        asked = self._ask(image, sentence, return_datasamples=True)
        return answer_of(asked['predictions'][0], self._ask.score_thr)

    def __call__(self, question: Question) -> PickAnswer:
        answer, most = self._answer(question.view.image, question.sentence.text), self._most
        if answer.no_target:
            return PickAnswer(nothing=True)
        mask = answer.mask if answer.mask is not None and np.any(answer.mask) else None
        if self._by_mask:
            return PickAnswer() if mask is None else from_mask(np.asarray(mask))
        made = answer.candidates  # something is meant: then the best grasps count, however good they are
        best = np.argsort(-made.grasp_scores, kind='stable')[:most]
        return PickAnswer(made.grasps[best].astype(float), made.grasp_scores[best].astype(float), mask)


def spoiled(answerer: Answerer, how: str) -> Answerer:
    """The best grasp alone, made wrong in one way of ``SPOILS``: what a benchmark has to notice."""
    check_choice('spoil', how, tuple(SPOILS))

    def answer(question: Question) -> PickAnswer:
        right = answerer(question)
        grasps = right.grasps[:1].copy()
        if how == 'reversed':
            grasps[:, 4] = fold_angle(-grasps[:, 4])
        else:
            grasps[:, 2] /= 2
        return replace(right, grasps=grasps, scores=right.scores[:1])

    return answer


def make_answerer(
    oracle_name: str | None = None,
    model: str | None = None,
    weights: str | None = None,
    baseline: str | None = None,
    spoil: str | None = None,
    device: str | None = None,
    seed: int = 0,
    **options: Any,
) -> Answerer:
    """Who answers, from what a command line says.

    Args:
        oracle_name: One of ``ORACLES``.
        model, weights, device: See :class:`ModelAnswerer`.
        baseline: One of ``BASELINES``; ``'mask'`` needs a model.
        spoil: One of ``SPOILS``.
        seed: Of ``'random'``.
        options: Of :class:`ModelAnswerer`.

    Raises:
        ValueError: If that names nobody, or several.
    """
    if baseline is not None:
        check_choice('baseline', baseline, BASELINES)
    if baseline == 'mask' and model is None:
        raise ValueError("the baseline 'mask' takes the mask of a model: name one, or take the oracle 'mask'")
    chance = baseline == 'random'
    if (oracle_name is not None) + (model is not None) + chance != 1:
        raise ValueError('name one who answers: an oracle, a model, or the baseline random')
    if chance:
        answerer = random_grasp(seed)
    elif oracle_name is not None:
        answerer = oracle(oracle_name)
    else:
        answerer = ModelAnswerer(model, weights, device, by_mask=baseline == 'mask', **options)
    return answerer if spoil is None else spoiled(answerer, spoil)
