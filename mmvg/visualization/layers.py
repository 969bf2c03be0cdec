"""What there is to draw of a sample, as arrays in one named frame, and how well answer and truth agree."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment

from mmvg.evaluation.functional import box_overlaps, strict_matches
from mmvg.masks import PackedMasks, decode_mask
from mmvg.structures import Answer, GroundingSample, corners_to_grasps, grasps_to_corners

#: An answer that agrees with the truth by as much is right.
RIGHT_FROM = 0.5
#: What can be drawn over an image, and what is drawn beside it.
OVERLAYS = ('boxes', 'masks', 'points', 'grasps')
PARTS = (*OVERLAYS, 'attention')
#: What is drawn beside an image where the model has kept it, or the pipeline has painted it.
MAPS = ('grasp_maps',)


@dataclass
class Layers:
    """What there is to draw over a picture, in pixels of one frame: the truth, or what a model says.

    Args:
        boxes: (N, 4) xyxy.
        masks: (N, H, W) bool, or packed, or None.
        union: (H, W) bool, or None.
        scores: (N,) in [0, 1]; None for the truth.
        points: (N, 2) the points that the instances were found from, x and y.
        grasps: (M, 4, 2) corners p1 p2 p3 p4 of grasps, whose jaws are p1 p2 and p3 p4; or None.
        grasp_scores: (M,) in [0, 1]; None for the truth.
        attention: (H, W) in [0, 1], where a sentence looks; or None.
        grasp_maps: (4, H, W) quality in [0, 1], cos and sin of twice the angle, and opening; or None.
        no_target: The expression means nothing in this image.
        target_score: Probability that there is a target, if a model says so.
    """

    boxes: np.ndarray = field(default_factory=lambda: np.zeros((0, 4)))
    masks: np.ndarray | PackedMasks | None = None
    union: np.ndarray | None = None
    scores: np.ndarray | None = None
    points: np.ndarray | None = None
    grasps: np.ndarray | None = None
    grasp_scores: np.ndarray | None = None
    attention: np.ndarray | None = None
    grasp_maps: np.ndarray | None = None
    no_target: bool = False
    target_score: float | None = None

    def only(self, parts: Collection[str]) -> 'Layers':
        """The same with nothing but these of ``PARTS`` and ``MAPS`` to draw."""
        kept = replace(self)
        if 'boxes' not in parts:
            kept.boxes = kept.boxes[:0]
            kept.scores = None if kept.scores is None else kept.scores[:0]
        if 'masks' not in parts:
            kept.masks = kept.union = None
        if 'points' not in parts:
            kept.points = None
        if 'grasps' not in parts:
            kept.grasps = kept.grasp_scores = None
        if 'attention' not in parts:
            kept.attention = None
        if 'grasp_maps' not in parts:
            kept.grasp_maps = None
        return kept

    def instance(self, index: int) -> 'Layers':
        """What belongs to one of the boxes, and nothing else."""
        return Layers(
            boxes=self.boxes[index : index + 1],
            masks=None if self.masks is None else self.masks[index : index + 1],
            scores=None if self.scores is None else self.scores[index : index + 1],
            points=None if self.points is None else self.points[index : index + 1],
        )


def ground_truth(sample: GroundingSample, frame: str, shape: tuple[int, int]) -> Layers | None:
    """The targets of ``sample``, mapped to ``frame`` of ``shape`` (H, W); None if it has no annotation."""
    if not any(key in sample for key in ('gt_instances', 'gt_sem_seg', 'gt_grasps')):
        return None
    move = _Move(sample, sample.get('gt_frame', 'original'), frame, shape)
    instances = sample.get('gt_instances')
    layers = Layers(no_target=bool(sample.get('no_target', False)))
    if instances is not None and 'bboxes' in instances:
        layers.boxes = move.boxes(_array(instances.bboxes))
    if instances is not None and 'masks' in instances:
        layers.masks = move.masks(_array(instances.masks))
    if 'gt_sem_seg' in sample:
        layers.union = move.masks(_array(sample.gt_sem_seg.sem_seg))[0]
    if 'gt_grasps' in sample:
        layers.grasps = move.grasps(_array(sample.gt_grasps))
    if 'gt_grasp_maps' in sample:
        painted = _array(sample.gt_grasp_maps.maps).astype(np.float32)
        layers.grasp_maps = _Move(sample, 'input', frame, shape).maps(painted, cv2.INTER_NEAREST)
    return layers


def prediction(
    sample: GroundingSample, frame: str, shape: tuple[int, int], score_thr: float | None = None
) -> Layers | None:
    """Collect what a model says about ``sample``, mapped to ``frame`` of ``shape`` (H, W); None if it says nothing.

    What there is is what the :class:`mmvg.structures.Answer` at ``score_thr`` lists, by default at the threshold of the
    model.
    """
    if not any(key in sample for key in ('pred_instances', 'pred_sem_seg', 'pred_no_target', 'pred_grasps')):
        return None
    answer = Answer.from_sample(sample, score_thr)
    move = _Move(sample, answer.frame, frame, shape)
    layers = Layers(no_target=answer.no_target, target_score=answer.target_score, scores=answer.scores)
    if answer.boxes is not None:
        layers.boxes = move.boxes(answer.boxes)
    if answer.masks is not None:
        layers.masks = move.masks(answer.masks)
    if answer.points is not None:
        layers.points = move.points(answer.points)
    if answer.mask is not None and not answer.no_target:
        layers.union = move.masks(answer.mask[None])[0]
    if answer.grasps is not None:
        layers.grasps, layers.grasp_scores = move.grasps(answer.grasps), answer.grasp_scores
    if 'pred_attention' in sample:
        layers.attention = _attention(sample, frame, shape)
    if 'pred_grasp_maps' in sample:
        maps = _array(sample.pred_grasp_maps).astype(np.float32)
        layers.grasp_maps = move.maps(maps, cv2.INTER_LINEAR)
    return layers


def candidates(sample: GroundingSample, shape: tuple[int, int]) -> Layers:
    """Everything that a model proposes about ``sample``, whatever it scores, in the original frame of ``shape``."""
    proposed = sample.pred_instances
    move = _Move(sample, sample.get('pred_frame', 'original'), 'original', shape)
    layers = Layers(boxes=move.boxes(_array(proposed.bboxes)), scores=_array(proposed.scores))
    if 'points' in proposed:
        layers.points = move.points(_array(proposed.points))
    if 'masks' in proposed:
        masks = proposed.masks
        layers.masks = move.masks(masks if isinstance(masks, PackedMasks) else _array(masks))
    return layers


def agreement(truth: Layers, answer: Layers) -> float:
    """How right an answer is, from 0 to 1; to sort samples by, not to publish.

    A no-target sample is right or wrong. So is an answer with grasps, by its best one
    (:func:`mmvg.evaluation.functional.strict_matches`), whatever its mask. Otherwise it is :func:`overlap`; but where
    the answer tells several objects apart, one too many or too few makes it less than half right.
    """
    if truth.no_target or answer.no_target:
        return float(truth.no_target == answer.no_target)
    if truth.grasps is not None and answer.grasps is not None:
        return float(_grasp_is_right(truth, answer))
    pairs, most = _paired(truth, answer)
    found = (pairs >= RIGHT_FROM).sum() / most
    several = len(answer.boxes) > 1 or (answer.masks is not None and len(truth.boxes) > 1)
    if several and len(truth.boxes) and found < 1:
        return float(min(overlap(truth, answer), found / 2))
    return overlap(truth, answer)


def overlap(truth: Layers, answer: Layers) -> float:
    """The IoU of the union masks; without masks that of the best pairing of boxes, summed, by the larger number."""
    if truth.union is None or answer.union is None:
        pairs, most = _paired(truth, answer)
        return float(pairs.sum() / most)
    union = np.logical_or(truth.union, answer.union).sum()
    return float(np.logical_and(truth.union, answer.union).sum() / max(union, 1))


def _paired(truth: Layers, answer: Layers) -> tuple[np.ndarray, int]:
    """Box IoUs of the best pairing, and the larger number of boxes, at least 1."""
    overlaps = np.zeros((len(truth.boxes), len(answer.boxes)))
    if overlaps.size:
        overlaps = box_overlaps(truth.boxes, answer.boxes)
    return overlaps[linear_sum_assignment(-overlaps)], max(1, *overlaps.shape)


def _grasp_is_right(truth: Layers, answer: Layers) -> bool:
    if not len(answer.grasps) or not len(truth.grasps):
        return False
    best = 0 if answer.grasp_scores is None else int(np.argmax(answer.grasp_scores))
    return bool(strict_matches(corners_to_grasps(answer.grasps[[best]]), corners_to_grasps(truth.grasps)).any())


def _attention(sample: GroundingSample, frame: str, shape: tuple[int, int]) -> np.ndarray:
    """``pred_attention`` as large as the image (H, W) of ``frame``, its highest value being 1."""
    attention = np.asarray(_array(sample.pred_attention), dtype=np.float32)
    return cells_over_image(attention / max(float(attention.max()), 1e-12), sample, frame, shape)


def cells_over_image(cells: np.ndarray, sample: GroundingSample, frame: str, shape: tuple[int, int]) -> np.ndarray:
    """Values of cells (h, w) over the input as pixels of the image (H, W) of ``frame``."""
    height, width = sample.img_shape[:2]
    pixels = cv2.resize(np.asarray(cells, dtype=np.float32), (width, height))
    return _Move(sample, 'input', frame, shape).maps(pixels[None], cv2.INTER_LINEAR)[0]


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

    def grasps(self, grasps: np.ndarray) -> np.ndarray:
        """Grasps (M, 5), which count from the centre of the first pixel, as corners (M, 4, 2) from its corner."""
        corners = grasps_to_corners(np.asarray(grasps, dtype=np.float64).reshape(-1, 5)) + 0.5
        return self.points(corners.reshape(-1, 2)).reshape(-1, 4, 2)

    def masks(self, masks: np.ndarray | PackedMasks) -> np.ndarray | PackedMasks:
        if masks.shape[1:] == self.shape and np.array_equal(self.matrix, np.eye(3)):
            return masks if isinstance(masks, PackedMasks) else masks.astype(bool)
        if isinstance(masks, PackedMasks):
            masks = np.stack([decode_mask(rle) for rle in masks] or [np.zeros(masks.shape[1:])])[: len(masks)]
        return self.maps(masks.astype(np.uint8), cv2.INTER_NEAREST).astype(bool)

    def maps(self, maps: np.ndarray, interpolation: int) -> np.ndarray:
        """Values per pixel (N, h, w) as (N, H, W)."""
        height, width = self.shape
        half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])  # cv2 counts from pixel centres, boxes from corners
        matrix = np.linalg.inv(half) @ self.matrix @ half
        border = cv2.BORDER_REPLICATE if interpolation == cv2.INTER_LINEAR else cv2.BORDER_CONSTANT
        moved = [
            cv2.warpPerspective(values, matrix, (width, height), flags=interpolation, borderMode=border)
            for values in maps
        ]
        return np.stack(moved) if moved else np.zeros((0, height, width), dtype=maps.dtype)


def _array(value) -> np.ndarray:
    """A tensor, mmdet's boxes or mmdet's bitmap masks as an array."""
    if hasattr(value, 'to_ndarray'):
        return value.to_ndarray()
    value = getattr(value, 'tensor', value)
    return value.detach().cpu().numpy() if hasattr(value, 'detach') else np.asarray(value)
