"""Generalised comprehension (GREC, arXiv:2308.16182): a set of boxes against a set of boxes."""

from typing import Literal

import numpy as np

from mmvg.evaluation.functional.box_overlaps import box_overlaps


def greedy_matches(overlaps: np.ndarray, threshold: float = 0.5) -> int:
    """Number of pairs found in ``overlaps`` (P, N) by taking the largest entry again and again.

    Each box is used once, and an entry counts if it is ``threshold`` or more. Equal entries are taken in row order. The
    official rule, and not an optimal assignment: it can find fewer pairs than there are.
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
    """F1 in [0, 1] of predicted ``boxes`` (P, 4) against ``gt_boxes`` (N, 4), xyxy; 1 if both are empty.

    The official evaluator matches by GIoU, though the metric's name says IoU.

    Raises:
        ValueError: If a box is not finite or inverted, or ``matching`` is unknown.
    """
    overlaps = box_overlaps(boxes, gt_boxes, matching)
    num_boxes = sum(overlaps.shape)
    return 2 * greedy_matches(overlaps, threshold) / num_boxes if num_boxes else 1.0
