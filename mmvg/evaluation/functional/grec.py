"""Generalised comprehension (GREC, arXiv:2308.16182): a set of predicted boxes against a set of true ones."""

from typing import Literal

import numpy as np

from mmvg.evaluation.functional.box_overlaps import box_overlaps


def greedy_matches(overlaps: np.ndarray, threshold: float = 0.5) -> int:
    """Count the pairs found in ``overlaps`` (P, N) by taking the largest entry again and again.

    Each box is used once, and an entry counts if it is ``threshold`` or more. Equal entries are taken in row order.
    This is the official rule, and not an optimal assignment: it can find fewer pairs than there are.

    Example:
        >>> greedy_matches(np.array([[0.9, 0.8], [0.7, 0.1]]))  # 0.9 first, then only 0.1 is left
        1
    """
    overlaps = overlaps.copy()
    for matches in range(min(overlaps.shape)):
        row, column = np.unravel_index(overlaps.argmax(), overlaps.shape)
        if not overlaps[row, column] >= threshold:
            return matches
        overlaps[row, :] = overlaps[:, column] = -np.inf
    return min(overlaps.shape)


def set_f1(
    boxes: np.ndarray, gt_boxes: np.ndarray, matching: Literal['giou', 'iou'] = 'giou', threshold: float = 0.5
) -> float:
    """Compute the F1 of predicted boxes against true ones; 1 if there are neither.

    Args:
        boxes: Predictions (P, 4) xyxy.
        gt_boxes: (N, 4) xyxy, in the same frame.
        matching: Overlap that decides a match. The official evaluator takes GIoU, though the metric's name says IoU.
        threshold: Least overlap of a match.

    Returns:
        A number in [0, 1].

    Raises:
        ValueError: If a box is not finite or inverted, or ``matching`` is unknown.

    Example:
        >>> gt_boxes = np.array([[0, 0, 4, 4], [6, 0, 9, 4]])
        >>> set_f1(gt_boxes[:1], gt_boxes)  # 2 * 1 / (1 + 2)
        0.6666666666666666
    """
    return f1_of_overlaps(box_overlaps(boxes, gt_boxes, matching), threshold)


def f1_of_overlaps(overlaps: np.ndarray, threshold: float = 0.5) -> float:
    """Compute the F1 of :func:`set_f1` from the overlaps (P, N) of predicted boxes with true ones.

    Example:
        >>> f1_of_overlaps(np.array([[0.9, 0.1]]))
        0.6666666666666666
    """
    num_boxes = sum(overlaps.shape)
    return 2 * greedy_matches(overlaps, threshold) / num_boxes if num_boxes else 1.0
