"""What there is to draw in a sample, as arrays in one named frame, and how well answer and truth agree."""

from dataclasses import dataclass, field

import cv2
import numpy as np
from mmengine.structures import BaseDataElement
from scipy.optimize import linear_sum_assignment

from mmvg.evaluation.functional import box_overlaps
from mmvg.structures import GroundingSample


@dataclass
class Answer:
    """Boxes, masks and points in pixels of one frame; the truth, or what a model says.

    Args:
        boxes: (N, 4) xyxy.
        masks: (N, H, W) bool, or None.
        union: (H, W) bool, or None.
        scores: (N,) in [0, 1]; None for the truth.
        points: (M, 2) prior points of all queries, x and y.
        no_target: The expression means nothing in this image.
        target_score: Probability that there is a target, if a model says so.
    """

    boxes: np.ndarray = field(default_factory=lambda: np.zeros((0, 4)))
    masks: np.ndarray | None = None
    union: np.ndarray | None = None
    scores: np.ndarray | None = None
    points: np.ndarray | None = None
    no_target: bool = False
    target_score: float | None = None


def ground_truth(sample: GroundingSample, frame: str, shape: tuple[int, int]) -> Answer | None:
    """The targets of ``sample``, mapped to ``frame`` of ``shape`` (H, W); None if it has no annotation."""
    if 'gt_instances' not in sample and 'gt_sem_seg' not in sample:
        return None
    move = _Move(sample, sample.get('gt_frame', 'original'), frame, shape)
    instances = sample.get('gt_instances')
    answer = Answer(no_target=bool(sample.get('no_target', False)))
    if instances is not None and 'bboxes' in instances:
        answer.boxes = move.boxes(_array(instances.bboxes))
    if instances is not None and 'masks' in instances:
        answer.masks = move.masks(_array(instances.masks))
    if 'gt_sem_seg' in sample:
        answer.union = move.masks(_array(sample.gt_sem_seg.sem_seg))[0]
    return answer


def prediction(sample: GroundingSample, frame: str, shape: tuple[int, int], score_thr: float) -> Answer | None:
    """The answer to ``sample``, mapped to ``frame`` of ``shape`` (H, W); None if there is none.

    Kept are the instances that score more than ``score_thr``; where a model finds a target but no instance reaches it,
    the best one. Where it finds none, no instance and no mask is kept.
    """
    if not any(key in sample for key in ('pred_instances', 'pred_sem_seg', 'pred_no_target')):
        return None
    move = _Move(sample, sample.get('pred_frame', 'original'), frame, shape)
    answer = Answer(no_target=bool(sample.get('pred_no_target', False)))
    if (score := sample.get('target_score')) is not None:
        answer.target_score = float(score)
    instances = sample.get('pred_instances')
    if instances is not None:
        if 'points' in instances:
            answer.points = move.points(_array(instances.points))
        _keep(answer, instances, move, score_thr)
    if 'pred_sem_seg' in sample and not answer.no_target:
        answer.union = move.masks(_array(sample.pred_sem_seg.sem_seg))[0]
    return answer


def agreement(truth: Answer, answer: Answer) -> float:
    """How right an answer is, from 0 to 1; to sort samples by, not to publish.

    A no-target sample is right or wrong. Otherwise it is the IoU of the union masks, or without masks the IoU of the
    best pairing of boxes, summed and divided by the larger number of boxes.
    """
    if truth.no_target or answer.no_target:
        return float(truth.no_target == answer.no_target)
    if truth.union is not None and answer.union is not None:
        union = np.logical_or(truth.union, answer.union).sum()
        return float(np.logical_and(truth.union, answer.union).sum() / max(union, 1))
    if not len(truth.boxes) or not len(answer.boxes):
        return 0.0
    overlaps = box_overlaps(truth.boxes, answer.boxes)
    return float(overlaps[linear_sum_assignment(-overlaps)].sum() / max(overlaps.shape))


def _keep(answer: Answer, instances: BaseDataElement, move: '_Move', score_thr: float) -> None:
    """Fill in the instances of a prediction that are worth drawing."""
    boxes = _array(instances.bboxes) if 'bboxes' in instances else np.zeros((0, 4))
    scores = _array(instances.scores) if 'scores' in instances else np.ones(len(boxes))
    kept = np.zeros(len(scores), dtype=bool)
    if not answer.no_target and len(scores):
        kept = scores > score_thr
        kept[scores.argmax()] = True
    answer.scores = scores[kept]
    answer.boxes = move.boxes(boxes[kept])
    if 'masks' in instances:
        answer.masks = move.masks(_array(instances.masks)[kept])


class _Move:
    """From the frame that coordinates are in to the frame to draw in.

    Args:
        sample: Has ``homography_matrix``, original to input, if the frames differ.
        source: ``'original'`` or ``'input'``.
        target: The same.
        shape: (H, W) of the image to draw on.
    """

    def __init__(self, sample: GroundingSample, source: str, target: str, shape: tuple[int, int]) -> None:
        matrix = np.asarray(sample.get('homography_matrix', np.eye(3)), dtype=np.float64)
        if source == target:
            matrix = np.eye(3)
        self.matrix = matrix if target == 'input' else np.linalg.inv(matrix)
        self.shape = shape

    def points(self, points: np.ndarray) -> np.ndarray:
        if not len(points):
            return points.reshape(0, 2)
        return cv2.perspectiveTransform(points.astype(np.float64)[None], self.matrix)[0]

    def boxes(self, boxes: np.ndarray) -> np.ndarray:
        corners = self.points(boxes.reshape(-1, 2)).reshape(-1, 2, 2)
        return np.concatenate([corners.min(1), corners.max(1)], 1)

    def masks(self, masks: np.ndarray) -> np.ndarray:
        height, width = self.shape
        if masks.shape[1:] == self.shape and np.array_equal(self.matrix, np.eye(3)):
            return masks.astype(bool)
        half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])  # cv2 counts from pixel centres, boxes from corners
        matrix = np.linalg.inv(half) @ self.matrix @ half
        moved = [
            cv2.warpPerspective(mask.astype(np.uint8), matrix, (width, height), flags=cv2.INTER_NEAREST)
            for mask in masks
        ]
        return np.stack(moved).astype(bool) if moved else np.zeros((0, height, width), dtype=bool)


def _array(value) -> np.ndarray:
    """A tensor, mmdet's boxes or mmdet's bitmap masks as an array."""
    if hasattr(value, 'to_ndarray'):
        return value.to_ndarray()
    value = getattr(value, 'tensor', value)
    return value.detach().cpu().numpy() if hasattr(value, 'detach') else np.asarray(value)
