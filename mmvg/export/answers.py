"""From the named outputs of a graph to candidates, without PyTorch: what heads and their post-processing do, on arrays.

A rule has a class below with the name of the post-processing part whose work it does; its fields are the settings of
that part.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from mmvg.checks import check_choice
from mmvg.export.grasp_maps import read_grasps
from mmvg.export.placement import Placement, resize_maps
from mmvg.structures import Candidates, check_threshold, cxcywh_to_xyxy, passes

#: Raw outputs (B, ...) by name.
Outputs = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class AnswerRule:
    """What all rules share.

    Args:
        score_thr: What scores more than this is there.
        mask_thr: A pixel whose probability is more than this belongs to a mask.
        align_corners: How logits are enlarged to the input.
    """

    score_thr: float
    mask_thr: float
    align_corners: bool

    def __post_init__(self) -> None:
        check_threshold(self.score_thr, 'score_thr')
        check_threshold(self.mask_thr, 'mask_thr')

    def to_data(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return dict(rule=type(self).__name__, **asdict(self))

    def candidates(self, outputs: Outputs, sample: int, placed: Placement) -> Candidates:
        """Read what the graph proposes for one sample of the batch, in pixels of its picture."""
        raise NotImplementedError

    def probabilities(self, logits: np.ndarray, placed: Placement, interpolation: str = 'bilinear') -> np.ndarray:
        """Bring logits (N, h, w) to the picture (N, H0, W0), as probabilities from the size of the input on."""
        enlarged = resize_maps(logits.astype(np.float32), placed.input, align_corners=self.align_corners)
        return placed.maps(sigmoid(enlarged), interpolation)


@dataclass(frozen=True)
class InstancePostprocess(AnswerRule):
    """Queries with boxes, masks and points, and a mask of the whole expression.

    Args:
        score_weighted: Whether scores are multiplied by the probability that anything is meant.
        nms_thr: A query whose box overlaps a better one by more than this IoU gets score 0.
        mask_output: See :func:`mmvg.structures.union_mask`.
    """

    score_weighted: bool
    nms_thr: float | None
    mask_output: str

    def candidates(self, outputs: Outputs, sample: int, placed: Placement) -> Candidates:
        """Read the queries of one sample."""
        scores = softmax(outputs['class_logits'][-1, sample].astype(np.float32))[:, 0]
        if self.score_weighted:
            scores = scores * sigmoid(outputs['no_target_logits'][sample, :1].astype(np.float32))
        size = np.float32(placed.input[::-1])
        boxes = np.clip(cxcywh_to_xyxy(outputs['boxes_cxcywh_norm'][-1, sample].astype(np.float32)), 0, 1)
        boxes = boxes * np.tile(size, 2)
        if self.nms_thr is not None:
            scores = np.where(kept_boxes(boxes, scores, self.nms_thr), scores, np.float32(0))
        points = outputs.get('points')
        masks, whole = outputs['instance_mask_logits'][sample], outputs['global_mask_logits'][sample]
        return Candidates(
            boxes=placed.boxes(boxes),
            scores=scores,
            masks=self._masks(masks, placed),
            points=None if points is None else placed.points(points[sample].astype(np.float32) * size),
            global_mask=self._masks(whole, placed)[0],
            mask_output=self.mask_output,
            target_score=float(scores.max()) + nan_of(masks) + nan_of(whole),
        )

    def _masks(self, logits: np.ndarray, placed: Placement) -> np.ndarray:
        """Masks (N, H0, W0) of logits (N, h, w), one after the other to save memory."""
        return np.concatenate([passes(self.probabilities(one[None], placed), self.mask_thr) for one in logits])


@dataclass(frozen=True)
class BoxPostprocess(AnswerRule):
    """Queries with boxes alone.

    Args:
        branch: Whose outputs are read, as their names begin.
        nms_thr: A query whose box overlaps a better one by more than this IoU gets score 0.
    """

    branch: str
    nms_thr: float | None

    def candidates(self, outputs: Outputs, sample: int, placed: Placement) -> Candidates:
        """Read the queries of one sample."""
        scores = softmax(outputs[f'{self.branch}_class_logits'][-1, sample].astype(np.float32))[:, 0]
        boxes = cxcywh_to_xyxy(outputs[f'{self.branch}_boxes_cxcywh_norm'][-1, sample].astype(np.float32))
        boxes = np.clip(boxes, 0, 1) * np.tile(np.float32(placed.input[::-1]), 2)
        kept = scores
        if self.nms_thr is not None:
            kept = np.where(kept_boxes(boxes, scores, self.nms_thr), scores, np.float32(0))
        return Candidates(
            boxes=placed.boxes(boxes), scores=kept, mask_output='instance', target_score=float(scores.max())
        )


@dataclass(frozen=True)
class MaskPostprocess(AnswerRule):
    """One mask of an expression.

    Args:
        interpolation: On the way to the picture.
        regions_decide: Whether regions, and not the pixels of the mask, say how sure the model is.
        target_score: How the regions are brought together: ``'max'`` or ``'any'``.
        peak_decides: Whether the highest probability of a pixel of the picture in the input does.
    """

    interpolation: str
    regions_decide: bool = False
    target_score: str = 'max'
    peak_decides: bool = False

    def candidates(self, outputs: Outputs, sample: int, placed: Placement) -> Candidates:
        """Read the mask of one sample, and its box if there is one."""
        probability = self.probabilities(outputs['mask_logits'][sample], placed, self.interpolation)[0]
        mask = passes(probability, self.mask_thr)
        made = Candidates(global_mask=mask, mask_output='target', target_score=mask_score(probability, mask))
        exists = None
        if 'presence_logits' in outputs:
            presence = sigmoid(outputs['presence_logits'][sample].astype(np.float32))
            exists = presence.max() if self.target_score == 'max' else 1 - (1 - presence).prod()
        if self.peak_decides:
            exists = sigmoid(outputs['mask_logits'][sample, 0][placed.window()].astype(np.float32).max())
        if self.regions_decide or self.peak_decides:
            made.target_score = float(exists)
        if 'no_target_logits' in outputs:
            made.target_score = float(softmax(outputs['no_target_logits'][sample].astype(np.float32))[0])
        if (boxes := outputs.get('boxes_cxcywh_norm')) is not None:
            box = np.clip(cxcywh_to_xyxy(boxes[sample, None].astype(np.float32)), 0, 1)
            made.boxes = placed.boxes(box * np.tile(np.float32(placed.input[::-1]), 2))
            made.scores, made.masks = np.float32([exists]), mask[None]
        made.target_score += nan_of(outputs['mask_logits'][sample])
        return made


@dataclass(frozen=True)
class GraspPostprocess(AnswerRule):
    """A mask and ranked grasps from five maps; see :class:`mmvg.models.postprocess.GraspPostprocess`."""

    gate: str
    num_grasps: int
    min_distance: int
    width_norm: float
    jaw_size: float | None
    sigmas: tuple[float, float, float]
    center_sigma: float
    activation: str = 'sigmoid'
    existence_thr: float = 0.5

    def candidates(self, outputs: Outputs, sample: int, placed: Placement) -> Candidates:
        """Read the maps of one sample, and the verdict of a branch for existence if there is one."""
        maps = resize_maps(outputs['logits'][sample].astype(np.float32), placed.input, align_corners=self.align_corners)
        maps[0] = sigmoid(maps[0])
        numbers = maps[[1, 4]]  # quality and width; cos and sin stay as they are
        maps[[1, 4]] = np.clip(numbers, 0, 1) if self.activation == 'none' else sigmoid(numbers)
        maps = placed.maps(maps)
        mask, exists = passes(maps[0], self.mask_thr), None
        if 'no_target_logits' in outputs:
            exists = float(softmax(outputs['no_target_logits'][sample].astype(np.float32))[0])
            if not passes(exists, self.existence_thr):
                mask, maps[1] = np.zeros_like(mask), 0
        grasps, scores = read_grasps(self, maps, mask, float(placed.scale[0] * placed.scale[1]) ** -0.5)
        score = mask_score(maps[0], mask) if exists is None else exists * bool(mask.any())
        return Candidates(
            global_mask=mask,
            mask_output='global',
            target_score=score + nan_of(outputs['logits'][sample]),
            grasps=grasps,
            grasp_scores=scores,
        )


_RULES = {rule.__name__: rule for rule in (InstancePostprocess, BoxPostprocess, MaskPostprocess, GraspPostprocess)}


def rule_from_data(data: Mapping[str, Any]) -> AnswerRule:
    """Read what :meth:`AnswerRule.to_data` gave, or what JSON made of it.

    Raises:
        KeyError, TypeError, ValueError: If it is something else.

    Example:
        >>> rule = MaskPostprocess(score_thr=0.0, mask_thr=0.5, align_corners=False, interpolation='bilinear')
        >>> rule_from_data(rule.to_data()) == rule
        True
    """
    settings = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
    return _RULES[check_choice('rule', settings.pop('rule'), tuple(_RULES))](**settings)


def rule_of(head: Any) -> AnswerRule:
    """Take the settings of a head and its post-processing.

    Args:
        head: Of a model, built.

    Raises:
        ValueError: If no rule does what its post-processing does.
    """
    part = getattr(head, 'postprocess', None)
    rule = next((_RULES[cls.__name__] for cls in type(part).__mro__ if cls.__name__ in _RULES), None)
    if rule is None:
        raise ValueError(
            f'{type(head).__name__} answers by {type(part).__name__}, which has no form without PyTorch in '
            f'mmvg.export.answers; those that have are {", ".join(_RULES)}'
        )
    settings = {}
    for name in (*(entry.name for entry in fields(rule)), 'grasps_from'):
        owner = part if hasattr(part, name) else head
        if hasattr(owner, name):
            settings[name] = getattr(owner, name)
    if settings.get('grasps_from') == 'mask':
        raise ValueError("grasps_from='mask' is a baseline that looks at no map, and is not exported")
    settings.pop('grasps_from', None)
    return rule(**settings)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Logistic function of float32, without overflow."""
    return np.float32(1) / (np.float32(1) + np.exp(-np.clip(x, -80, 80)))


def softmax(x: np.ndarray) -> np.ndarray:
    """Over the last axis."""
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def nan_of(logits: np.ndarray) -> float:
    """Return 0, or NaN if there is one in ``logits``: it is above no threshold, and would be an honest "nothing"."""
    return float('nan') if np.isnan(logits).any() else 0.0


def mask_score(probability: np.ndarray, mask: np.ndarray) -> float:
    """Return the mean probability of the pixels in ``mask``, 0 if there is none."""
    return float(np.clip(probability[mask].mean(), 0, 1)) if mask.any() else 0.0


def kept_boxes(boxes: np.ndarray, scores: np.ndarray, threshold: float) -> np.ndarray:
    """Tell which boxes (Q, 4) greedy non-maximum suppression keeps, best first by ``scores`` (Q,).

    Example:
        >>> boxes = np.float32([[0, 0, 4, 4], [0, 0, 4, 5], [6, 0, 9, 4]])
        >>> kept_boxes(boxes, np.float32([0.5, 0.9, 0.7]), 0.5)
        array([False,  True,  True])
    """
    from mmvg.evaluation.functional import box_overlaps

    overlaps = box_overlaps(boxes, boxes)
    kept = np.zeros(len(boxes), bool)
    for number in np.argsort(-scores, kind='stable'):
        kept[number] = not (overlaps[number][kept] > threshold).any()
    return kept
