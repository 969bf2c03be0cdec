"""How near answers are to the truth, and whether they move with the picture."""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from mmvg.masks import decode_mask
from mmvg.structures import GroundingSample, fold_angle


def mask_iou(left: np.ndarray, right: np.ndarray) -> float:
    """IoU of two masks (H, W)."""
    return float((left & right).sum() / max((left | right).sum(), 1))


def measure(samples: list[GroundingSample], items: Sequence[dict]) -> dict[str, float]:
    """How near the answers are to the truth of ``items``; offsets are in input pixels, + is right and down.

    ``miou`` and ``box_iou`` in [0, 1]; ``mask_dx``, ``mask_dy``, ``box_dx``, ``box_dy`` the mean offset of centres;
    ``attention_dx``, ``attention_dy`` that of the attention map against the covered area of its cells;
    ``point_in_box``, the share of samples whose first point lies in the box; ``grasp_px``, ``grasp_degrees`` and
    ``grasp_opening``, the largest distance of centres, of angles, and relative error of openings of the best grasps, in
    original pixels. What a model does not answer is left out.
    """
    rows = [_measure_one(sample, item) for sample, item in zip(samples, items, strict=True)]
    worst = ('grasp_px', 'grasp_degrees', 'grasp_opening')
    return {key: float((np.max if key in worst else np.mean)([row[key] for row in rows])) for key in rows[0]}


def measure_moves(samples: list[GroundingSample], items: Sequence[dict]) -> dict[str, float]:
    """How far answers about moved pictures lie from the moved answers about the pictures, at worst, in input pixels.

    Samples and items come in pairs (:func:`draw_scenes`). ``mask_move``, ``box_move`` and ``grasp_move`` are distances
    of centres; what a model does not answer is left out.
    """
    centres = [_centres(sample) for sample in samples]
    rows = []
    for first, second, item, sample in zip(centres[::2], centres[1::2], items[1::2], samples[1::2], strict=True):
        scale = _scale(sample)
        rows.append({key: np.hypot(*(scale * (second[key] - first[key] - item['move']))) for key in first})
    return {key: float(np.max([row[key] for row in rows])) for key in rows[0]}


def _centres(sample: GroundingSample) -> dict[str, np.ndarray]:
    """Centres (x, y) of what is answered, in original pixels."""
    found = {}
    if 'pred_sem_seg' in sample:
        found['mask_move'] = _centre(sample.pred_sem_seg.sem_seg[0].numpy().astype(bool))
    if 'pred_instances' in sample and 'bboxes' in sample.pred_instances:
        box = _best_box(sample)
        found['box_move'] = (box[:2] + box[2:]) / 2
    if 'pred_grasps' in sample:
        found['grasp_move'] = _best_grasp(sample)[:2]
    return found


def _scale(sample: GroundingSample) -> np.ndarray:
    """Input pixels per original pixel, along x and y."""
    matrix = np.asarray(sample.homography_matrix, dtype=np.float64)
    return np.array([matrix[0, 0], matrix[1, 1]])


def _best_box(sample: GroundingSample) -> np.ndarray:
    return sample.pred_instances.bboxes[int(sample.pred_instances.scores.argmax())].numpy()


def _best_grasp(sample: GroundingSample) -> np.ndarray:
    grasps = sample.pred_grasps.grasps.numpy()
    return grasps[0] if len(grasps) else np.full(5, np.nan)


def true_mask(item: dict) -> np.ndarray:
    """The mask (H, W) bool of a data item of one target, in original pixels."""
    return decode_mask(item['instances'][0]['mask'])


def _measure_one(sample: GroundingSample, item: dict) -> dict[str, float]:
    mask, box = true_mask(item), np.array(item['instances'][0]['bbox'])
    scale = _scale(sample)
    row = {}
    if 'pred_sem_seg' in sample:
        found = sample.pred_sem_seg.sem_seg[0].numpy().astype(bool)
        offset = scale * (_centre(found) - _centre(mask))
        row |= dict(miou=mask_iou(found, mask), mask_dx=offset[0], mask_dy=offset[1])
    if 'pred_instances' in sample and 'bboxes' in sample.pred_instances:
        instances, found = sample.pred_instances, _best_box(sample)
        offset = scale * ((found[:2] + found[2:]) / 2 - (box[:2] + box[2:]) / 2)
        row |= dict(box_iou=_box_iou(found, box), box_dx=offset[0], box_dy=offset[1])
        if 'points' in instances:
            x, y = instances.points[0].tolist()
            row['point_in_box'] = float(box[0] <= x <= box[2] and box[1] <= y <= box[3])
            inside = 0 <= x < mask.shape[1] and 0 <= y < mask.shape[0]
            row['point_on_mask'] = float(inside and mask[int(y), int(x)])
    if 'pred_attention' in sample:
        attention = sample.pred_attention.numpy()
        matrix = _centred(np.asarray(sample.homography_matrix, dtype=np.float64))
        whole = cv2.warpAffine(mask.astype(np.float32), matrix, sample.img_shape[1::-1], flags=cv2.INTER_AREA)
        share = F.adaptive_avg_pool2d(torch.from_numpy(whole)[None, None], attention.shape)[0, 0].numpy()
        cell = np.array(sample.img_shape[1::-1]) / attention.shape[::-1]
        offset = cell * (_centre(attention) - _centre(share))
        row |= dict(attention_dx=offset[0], attention_dy=offset[1])
    if 'pred_grasps' in sample:
        best, truth = _best_grasp(sample), item['grasps'][0]
        row['grasp_px'] = float(np.hypot(*(best[:2] - truth[:2])))
        row['grasp_degrees'] = float(np.rad2deg(abs(fold_angle(best[4] - truth[4]))))
        row['grasp_opening'] = float(abs(best[2] / truth[2] - 1))
    return row


def _centred(matrix: np.ndarray) -> np.ndarray:
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])  # OpenCV counts from the centre of the first pixel
    return (np.linalg.inv(half) @ matrix @ half)[:2]


def _centre(weights: np.ndarray) -> np.ndarray:
    """Centre (x, y) of a map (h, w), counted from the corner of its first cell."""
    rows, columns = np.indices(weights.shape) + 0.5
    total = weights.sum() or np.nan
    return np.array([(weights * columns).sum() / total, (weights * rows).sum() / total])


def _box_iou(left: np.ndarray, right: np.ndarray) -> float:
    common = np.clip(np.minimum(left[2:], right[2:]) - np.maximum(left[:2], right[:2]), 0, None).prod()
    return float(common / ((left[2:] - left[:2]).prod() + (right[2:] - right[:2]).prod() - common))
