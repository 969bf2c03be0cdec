"""What a model answers to one sentence about one picture: decided by one threshold, in one place, in one form.

A head proposes candidates: boxes with scores, masks, grasps, and a score that anything is meant at all.
:meth:`Candidates.at` applies a threshold to all of them at once and gives an :class:`Answer`. The inferencer, files of
answers, the page and the pictures show answers and nothing else, so they agree.

The rule: what scores **more** than the threshold is there, both rounded to float32, in which models compute. So a
score that is printed as the threshold itself does not pass, whatever the type of the number that was given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from mmvg.masks import PackedMasks, decode_mask, encode_mask
from mmvg.structures.array_library import array_library, is_tensor
from mmvg.structures.sample_contract import TEXT_KEYS, USER_DATASET, sample_ids

if TYPE_CHECKING:
    from torch import Tensor

    from mmvg.structures.grounding_sample import GroundingSample

#: Version of the JSON form of an answer; records and files without one are older than version 2.
ANSWER_VERSION = 2

#: Threshold of models that name none.
DEFAULT_SCORE_THR = 0.5

#: How the mask of an expression is made; see :func:`union_mask`.
MASK_OUTPUTS = ('merge', 'instance', 'global', 'target')


def passes(scores: Tensor | np.ndarray | float, score_thr: float) -> Any:
    """Tell which scores are more than the threshold, both rounded to float32; NaN is not.

    Args:
        scores: (...) as a tensor, an array or a number.
        score_thr: The threshold.

    Returns:
        Bool of the same kind and shape.

    Example:
        >>> passes(np.array([0.69, 0.7, 0.71], dtype=np.float32), 0.7)
        array([False, False,  True])
    """
    if is_tensor(scores):
        return scores.float() > float(np.float32(score_thr))
    passed = np.asarray(scores, dtype=np.float32) > np.float32(score_thr)
    return passed if passed.ndim else bool(passed)


def check_threshold(value: Any, name: str = 'the score threshold') -> float:
    """Return a threshold as a float if it is a number in [0, 1], of Python, NumPy or PyTorch.

    Args:
        value: The threshold.
        name: How the message calls it.

    Raises:
        ValueError: If it is not.

    Example:
        >>> check_threshold(np.float32(0.5))
        0.5
    """
    try:
        number = float('nan') if isinstance(value, (str, bytes, bool)) else float(value)
    except (TypeError, ValueError):
        number = float('nan')
    if not 0 <= number <= 1:
        raise ValueError(f'{name} must be a number in [0, 1], not {value!r}')
    return number


def union_mask(
    masks: Tensor | np.ndarray | None,
    found: Tensor | np.ndarray | None,
    global_mask: Tensor | np.ndarray | None,
    mask_output: str,
    no_target: bool,
) -> Any:
    """Make the mask of an expression.

    Args:
        masks: (Q, H, W) bool, of the instances.
        found: (Q,) bool, the instances that are found.
        global_mask: (H, W) bool, which no instance decides about.
        mask_output: ``'instance'``: the union of the masks of found instances; ``'global'``: the global mask;
            ``'merge'``: either of them; ``'target'``: the global mask, empty where ``no_target``.
        no_target: Nothing is meant.

    Returns:
        (H, W) bool, of the kind that came in; None if there are no masks.

    Example:
        >>> masks = np.array([[[True, False]], [[False, True]]])
        >>> union_mask(masks, np.array([False, True]), None, 'instance', no_target=False)
        array([[False,  True]])
    """
    if mask_output in ('global', 'target'):
        return global_mask & False if mask_output == 'target' and no_target and global_mask is not None else global_mask
    union = None if masks is None else _any_of(masks[found])
    if mask_output == 'instance' or global_mask is None:
        return union
    return global_mask if union is None else union | global_mask


def _any_of(masks: Tensor | np.ndarray) -> Any:
    """Unite masks (K, H, W); on a CPU PyTorch takes twenty times as long as NumPy."""
    if not is_tensor(masks) or masks.device.type != 'cpu':
        return masks.any(0)
    return array_library(masks).from_numpy(masks.numpy().any(0))


@dataclass(eq=False)
class Candidates:
    """Everything that a model proposes for one expression, before any threshold.

    Args:
        boxes: (Q, 4) xyxy in pixels, one per query, in their order.
        scores: (Q,) in [0, 1]; 0 is never found.
        masks: (Q, H, W) bool, or packed.
        points: (Q, 2), x and y in pixels.
        global_mask: (H, W) bool or RLE, a mask of the whole expression that no query decides about.
        mask_output: See :func:`union_mask`.
        grasps: (M, 5) ``[x, y, w, h, theta]`` in pixels and radians.
        grasp_scores: (M,) in [0, 1].
        target_score: Score in [0, 1] that anything is meant; ``None``: the best of ``scores``.
        no_target: The verdict of a model that gives no score at all.

    Example:
        >>> made = Candidates(boxes=np.eye(4), scores=np.array([0.2, 0.9, 0.6, 0.4]))
        >>> made.best_score(), made.at(0.5).boxes.shape
        (0.9, (2, 4))
    """

    boxes: np.ndarray | None = None
    scores: np.ndarray | None = None
    masks: np.ndarray | PackedMasks | None = None
    points: np.ndarray | None = None
    global_mask: np.ndarray | dict | None = None
    mask_output: str = 'global'
    grasps: np.ndarray | None = None
    grasp_scores: np.ndarray | None = None
    target_score: float | None = None
    no_target: bool = False

    @classmethod
    def from_sample(cls, sample: GroundingSample) -> Candidates:
        """Read the predictions of a sample."""
        made = cls(target_score=sample.get('target_score'), mask_output=sample.get('mask_output', 'global'))
        made.no_target = bool(sample.get('pred_no_target', False))
        if (instances := sample.get('pred_instances')) is not None:
            for name in ('scores', 'masks', 'points'):
                setattr(made, name, _array(instances.get(name)))
            made.boxes = _array(instances.get('bboxes'))
        if 'pred_global_mask' in sample:
            made.global_mask = _array(sample.pred_global_mask)
        elif 'pred_sem_seg' in sample and made.mask_output != 'instance':
            made.global_mask = _array(sample.pred_sem_seg.sem_seg)
        if isinstance(made.global_mask, np.ndarray) and made.global_mask.ndim == 3:
            made.global_mask = made.global_mask[0]
        if (grasps := sample.get('pred_grasps')) is not None:
            made.grasps, made.grasp_scores = _array(grasps.grasps), _array(grasps.scores)
        return made

    def best_score(self) -> float | None:
        """Return the score that anything is meant, None if nothing has a score."""
        if self.target_score is not None:
            return float(self.target_score)
        return None if self.scores is None else float(self.scores.max(initial=0))

    def at(self, score_thr: float, no_target: bool | None = None, **about: Any) -> Answer:
        """Decide what is there, by one threshold.

        Nothing is meant where the target score does not pass; otherwise the instances and the grasps that pass are
        found, best first, and the mask of the expression is made of those.

        Args:
            score_thr: The threshold in [0, 1].
            no_target: A verdict that is known already, in place of the target score.
            **about: The other fields of :class:`Answer`.
        """
        score = self.best_score()
        if no_target is None:
            no_target = self.no_target if score is None else not passes(score, score_thr)
        found = np.zeros(0, dtype=int)
        if self.scores is not None and not no_target:
            found = _best_first(self.scores, score_thr)
        elif self.boxes is not None and not no_target:  # boxes without scores all count
            found = np.arange(len(self.boxes))
        answer = Answer(score_thr=score_thr, no_target=no_target, target_score=score, candidates=self, **about)
        for name in ('boxes', 'scores', 'masks', 'points'):
            if (values := getattr(self, name)) is not None:
                setattr(answer, name, values[found])
        mask = self.scored_mask(score_thr, no_target)
        answer.mask = mask & (not no_target) if mask is not None else None
        if self.grasps is not None:
            held = np.zeros(0, dtype=int) if no_target else _best_first(self.grasp_scores, score_thr)
            answer.grasps, answer.grasp_scores = self.grasps[held], self.grasp_scores[held]
        return answer

    def scored_mask(self, score_thr: float, no_target: bool) -> np.ndarray | None:
        """Return the mask (H, W) that metrics score; some protocols empty it by a rule of their own."""
        found = None if self.scores is None else passes(self.scores, score_thr)
        whole = None if self.global_mask is None else decode_mask(self.global_mask)
        return union_mask(self.masks, found, whole, self.mask_output, no_target)


@dataclass(eq=False)
class Answer:
    """What is there, in the eyes of a model: the verdict at one threshold.

    Fields are None where the model gives nothing of the kind. With ``no_target`` there are no instances, no grasps and
    no pixel in ``mask``.

    Args:
        score_thr: The threshold.
        no_target: The expression means nothing in the picture.
        target_score: Score in [0, 1] that it means anything.
        boxes: (N, 4) xyxy in pixels of ``frame``, best first.
        scores: (N,), more than ``score_thr`` each.
        masks: (N, H, W) bool, or packed.
        points: (N, 2), x and y in pixels.
        mask: (H, W) bool, the mask of the expression.
        grasps: (M, 5) ``[x, y, w, h, theta]`` in pixels and radians, best first.
        grasp_scores: (M,), more than ``score_thr`` each.
        frame: ``'original'`` or ``'input'``: whose pixels.
        size: Height and width of the picture in that frame.
        expression: What was asked.
        image: Path of the picture, or its place among those that were asked about, from 0.
        unknown_words: Words of the expression that the model does not know.
        unread_text: End of the expression that was cut off.
        ids: ``dataset``, ``img_id``, ``ref_id`` and ``sent_id``, if it belongs to a data set.
        candidates: What the verdict was made of, if it is known.

    Example:
        >>> made = Candidates(boxes=np.array([[0.0, 0, 4, 4], [2, 2, 6, 6]]), scores=np.array([0.4, 0.9]))
        >>> made.at(0.5).boxes
        array([[2., 2., 6., 6.]])
        >>> made.at(0.95).no_target
        True
    """

    score_thr: float
    no_target: bool
    target_score: float | None = None
    boxes: np.ndarray | None = None
    scores: np.ndarray | None = None
    masks: np.ndarray | PackedMasks | None = None
    points: np.ndarray | None = None
    mask: np.ndarray | None = None
    grasps: np.ndarray | None = None
    grasp_scores: np.ndarray | None = None
    frame: str = 'original'
    size: tuple[int, int] | None = None
    expression: str | None = None
    image: str | int | None = None
    unknown_words: list[str] | None = None
    unread_text: str | None = None
    ids: dict[str, Any] = field(default_factory=dict)
    candidates: Candidates | None = None

    @classmethod
    def from_sample(cls, sample: GroundingSample, score_thr: float | None = None) -> Answer:
        """Read the answer that a sample carries.

        Args:
            sample: With predictions.
            score_thr: The threshold; by default the one that the model was configured with, at which its verdict
                stands as it is.
        """
        verdict = sample.get('pred_no_target') if score_thr is None else None
        if score_thr is None:
            score_thr = sample.get('score_thr', DEFAULT_SCORE_THR)
        frame = sample.get('pred_frame', 'original')
        shape = sample.get('ori_shape' if frame == 'original' else 'img_shape')
        ids = sample_ids(sample)
        return Candidates.from_sample(sample).at(
            check_threshold(score_thr),
            None if verdict is None else bool(verdict),
            frame=frame,
            size=None if shape is None else (int(shape[0]), int(shape[1])),
            expression=sample.get('expression', sample.get('text')),
            image=sample.get('img_path'),
            **{key: sample.get(key) for key in TEXT_KEYS},
            ids={} if ids['dataset'] in (None, USER_DATASET) else ids,
        )

    def at(self, score_thr: float) -> Answer:
        """Decide anew at another threshold.

        Raises:
            ValueError: If the threshold is not in [0, 1], or the candidates are not known.
        """
        if self.candidates is None:
            raise ValueError('this answer holds what was found, and nothing to decide anew from; ask for a whole one')
        about = {name: getattr(self, name) for name in ('frame', 'size', 'expression', 'image', *TEXT_KEYS, 'ids')}
        return self.candidates.at(check_threshold(score_thr), **about)

    def to_record(self, whole: bool = False) -> dict[str, Any]:
        """Write the answer as JSON can hold it.

        Args:
            whole: Add ``candidates``, from which it can be scored and decided anew.

        Returns:
            ``version``; the ids of a data set, if it has them; ``image``, ``expression``, ``size`` [height, width],
            ``frame``; ``unknown_words`` and ``unread_text``, if the model did not read all of the expression;
            ``score_thr``, ``no_target`` and ``target_score``; ``boxes`` [[x1, y1, x2, y2]], ``scores``, ``masks``
            (COCO's compressed RLE), ``points`` [[x, y]], ``mask``, ``grasps`` [[x, y, w, h, theta]] and
            ``grasp_scores``, as far as the model gives them.
        """
        size = None if self.size is None else list(self.size)
        record = dict(version=ANSWER_VERSION, **self.ids, image=self.image, expression=self.expression)
        record |= {key: getattr(self, key) for key in TEXT_KEYS} | dict(size=size)
        record |= dict(frame=self.frame, score_thr=self.score_thr, no_target=self.no_target)
        record |= dict(target_score=self.target_score) | _lists(self)
        if whole and self.candidates is not None:
            kept = _lists(self.candidates) | dict(mask_output=self.candidates.mask_output)
            if 'global_mask' in kept and kept['global_mask'] == record.get('mask'):
                del kept['global_mask']  # written already
            elif 'global_mask' not in kept and 'mask' in record:
                kept['global_mask'] = None  # the mask is made of instances
            record['candidates'] = kept
        return {key: value for key, value in record.items() if value is not None}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Answer:
        """Read what :meth:`to_record` wrote.

        Raises:
            KeyError: If a field that every record has is missing.
            ValueError: If it is of another version, or a list or a mask is malformed.
        """
        if (version := record.get('version')) != ANSWER_VERSION:
            raise ValueError(f'the answer is of version {version}; version {ANSWER_VERSION} can be read')
        answer = cls(score_thr=record['score_thr'], no_target=record['no_target'], frame=record['frame'])
        answer.target_score = record.get('target_score')
        answer.expression, answer.image = record.get('expression'), record.get('image')
        answer.unknown_words, answer.unread_text = (record.get(key) for key in TEXT_KEYS)
        answer.size = tuple(record['size']) if 'size' in record else None
        answer.ids = {key: record[key] for key in sample_ids(record) if key in record}
        _read_lists(answer, record, answer.size)
        if (kept := record.get('candidates')) is not None:
            answer.candidates = Candidates(
                target_score=answer.target_score, mask_output=kept['mask_output'], no_target=answer.no_target
            )
            _read_lists(answer.candidates, kept, answer.size)
            if 'global_mask' not in kept and 'mask' in record and kept['mask_output'] != 'instance':
                answer.candidates.global_mask = answer.mask
        return answer

    def to_sample(self) -> GroundingSample:
        """Make a sample of the answer, as a model gives it; this needs PyTorch.

        Raises:
            ValueError: If the candidates are not known.
        """
        from mmvg.structures.grounding_sample import GroundingSample

        about = dict(ori_shape=self.size, img_shape=self.size, img_path=self.image, expression=self.expression)
        about |= {key: getattr(self, key) for key in TEXT_KEYS} | self.ids
        sample = GroundingSample(metainfo={key: value for key, value in about.items() if value is not None})
        sample.text = self.expression
        self.write_to(sample)
        return sample

    def write_to(self, sample: GroundingSample) -> None:
        """Put the candidates and the verdict onto a sample, as a head does, for metrics to score.

        Raises:
            ValueError: If the candidates are not known.
        """
        from mmengine.structures import InstanceData
        from torch import from_numpy

        made = self.candidates
        if made is None:
            raise ValueError('this answer holds what was found, but scores need all candidates; save whole answers')
        if self.target_score is not None:
            sample.target_score = self.target_score
        columns = dict(bboxes=made.boxes, scores=made.scores, masks=made.masks, points=made.points)
        columns = {name: from_numpy(values) for name, values in columns.items() if values is not None}
        if columns:
            sample.pred_instances = InstanceData(**columns)
        if made.grasps is not None:
            sample.pred_grasps = InstanceData(grasps=from_numpy(made.grasps), scores=from_numpy(made.grasp_scores))
        if made.global_mask is not None:
            sample.pred_global_mask = from_numpy(made.global_mask)[None]
        sample.set_metainfo(dict(pred_frame=self.frame, mask_output=made.mask_output))
        self.write_verdict_to(sample)

    def write_verdict_to(self, sample: GroundingSample) -> None:
        """Put the verdict alone onto a sample of these candidates: ``pred_no_target``, its mask and ``score_thr``."""
        from mmengine.structures import PixelData
        from torch import from_numpy

        sample.pred_no_target = self.no_target
        sample.set_metainfo(dict(score_thr=self.score_thr))
        if (mask := self.candidates.scored_mask(self.score_thr, self.no_target)) is not None:
            union = from_numpy(mask)[None]
            on = sample.pred_sem_seg.sem_seg.device if 'pred_sem_seg' in sample else union.device
            sample.pred_sem_seg = PixelData(sem_seg=union.to(on))


_MASKS = ('masks', 'mask', 'global_mask')
_LISTS = ('boxes', 'scores', 'points', 'grasps', 'grasp_scores')
_WIDTHS = dict(boxes=4, points=2, grasps=5)


def _best_first(scores: np.ndarray, score_thr: float) -> np.ndarray:
    """Indices of the ``scores`` (N,) that pass, in descending order, equal ones as they came; 0 never passes."""
    order = np.argsort(-scores, kind='stable')
    return order[passes(scores[order], score_thr)]


def _array(values: Any) -> np.ndarray | None:
    return values.detach().cpu().numpy() if is_tensor(values) else values


def _lists(part: Answer | Candidates) -> dict[str, Any]:
    """The arrays of a part as lists and RLE, by name."""
    found = {}
    for name in (entry.name for entry in fields(part)):
        values = getattr(part, name)
        if values is None:
            continue
        if name == 'masks':
            found[name] = [encode_mask(mask) for mask in values]
        elif name in _MASKS:
            found[name] = encode_mask(values)
        elif name in _LISTS:
            found[name] = values.astype(np.float64).tolist()
    return found


def _read_lists(part: Answer | Candidates, record: Mapping[str, Any], size: tuple[int, int] | None) -> None:
    """Fill in the arrays of a part from lists and RLE."""
    for name in (entry.name for entry in fields(part)):
        if record.get(name) is None:
            continue
        if name == 'masks':
            rows = [decode_mask(rle) for rle in record[name]]
            part.masks = np.stack(rows) if rows else np.zeros((0, *(size or (0, 0))), dtype=bool)
        elif name in _MASKS:
            setattr(part, name, decode_mask(record[name]))
        elif name in _LISTS:
            values = np.array(record[name], dtype=np.float32)
            setattr(part, name, values.reshape(-1, _WIDTHS[name]) if name in _WIDTHS else values.reshape(-1))
