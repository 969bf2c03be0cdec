"""P@k of boxes in the order of their scores (MDETR, arXiv:2104.12763, Sec. 4.2)."""

from typing import Literal

import numpy as np

from mmvg.evaluation.functional.box_overlaps import box_overlaps, check_boxes
from mmvg.evaluation.functional.grasps import first_match


def best_first(boxes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the indices (Q,) of ``boxes`` (Q, 4) by falling score, equal ones as :func:`top_box` orders them.

    Raises:
        ValueError: If boxes or scores are not finite, a box is inverted, or their numbers differ.

    Example:
        >>> best_first(np.array([[0, 0, 4, 4], [6, 0, 9, 4], [7, 0, 9, 4]]), np.array([0.2, 0.7, 0.7]))
        array([2, 1, 0])
    """
    boxes, scores = check_boxes(boxes), np.asarray(scores, dtype=np.float64)
    if scores.shape != (len(boxes),):
        raise ValueError(f'{len(boxes)} boxes need scores of shape ({len(boxes)},), not {scores.shape}')
    if not np.isfinite(scores).all():
        raise ValueError(f'score {int(np.argmin(np.isfinite(scores)))} is not finite')
    return np.lexsort(tuple(-column for column in (*boxes.T[::-1], scores)))


def rank_of_hit(
    boxes: np.ndarray,
    scores: np.ndarray,
    gt_boxes: np.ndarray,
    threshold: float = 0.5,
    overlap: Literal['iou', 'giou'] = 'iou',
) -> int | None:
    """Return the rank, from 0, of the best-scored box that overlaps a true one by ``threshold`` or more.

    Args:
        boxes: (Q, 4) xyxy.
        scores: (Q,).
        gt_boxes: (N, 4) xyxy; a box that hits any of them is a hit.
        threshold: Least overlap.
        overlap: ``'iou'``, or ``'giou'`` as MDETR's evaluator of referring expressions computes it.

    Returns:
        None where no box hits. P@k is the share of ranks below k, :func:`jaccard_at`.

    Raises:
        ValueError: As :func:`best_first`, or if ``overlap`` is unknown.

    Example:
        >>> boxes = np.array([[0, 0, 4, 4], [6, 0, 9, 4]])
        >>> rank_of_hit(boxes, np.array([0.9, 0.4]), gt_boxes=boxes[1:])
        1
    """
    order = best_first(boxes, scores)
    return first_match(box_overlaps(np.asarray(boxes).reshape(-1, 4)[order], gt_boxes, overlap) >= threshold)
