"""Referring expression comprehension: the best-scored box against the one true box."""

import numpy as np

from mmvg.evaluation.functional.box_overlaps import box_overlaps, check_boxes


def top_box(boxes: np.ndarray, scores: np.ndarray) -> int | None:
    """Return the index of the box with the highest score, None without boxes.

    Among equal scores the box with the larger x1 wins, then y1, x2, y2, then the lower index: the descending order of
    (score, box) pairs in the official evaluators.

    Args:
        boxes: (Q, 4) xyxy.
        scores: (Q,).

    Raises:
        ValueError: If boxes or scores are not finite, a box is inverted, or their numbers differ.

    Example:
        >>> top_box(np.array([[0, 0, 4, 4], [6, 0, 9, 4]]), np.array([0.2, 0.7]))
        1
    """
    boxes, scores = check_boxes(boxes), np.asarray(scores)
    if scores.shape != (len(boxes),):
        raise ValueError(f'{len(boxes)} boxes need scores of shape ({len(boxes)},), not {scores.shape}')
    if not np.isfinite(scores).all():
        raise ValueError(f'score {int(np.argmin(np.isfinite(scores)))} is not finite')
    if len(boxes) == 0:
        return None
    return max(np.flatnonzero(scores == scores.max()).tolist(), key=lambda index: tuple(boxes[index]))


def top_box_iou(boxes: np.ndarray, scores: np.ndarray, gt_box: np.ndarray) -> float:
    """Compute the IoU of the best-scored box with the true one; there is no score threshold.

    Args:
        boxes: (Q, 4) xyxy.
        scores: (Q,).
        gt_box: (4,) xyxy.

    Returns:
        A number in [0, 1]; 0 without boxes.

    Raises:
        ValueError: As :func:`top_box`.

    Example:
        >>> top_box_iou(np.array([[0, 0, 4, 4], [6, 0, 9, 4]]), np.array([0.7, 0.2]), np.array([0, 0, 4, 8]))
        0.5
    """
    index = top_box(boxes, scores)
    if index is None:
        return 0.0
    return float(box_overlaps(np.asarray(boxes)[index][None], np.asarray(gt_box).reshape(1, 4))[0, 0])
