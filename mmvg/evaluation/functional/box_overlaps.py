"""IoU and GIoU of boxes, in double precision and without the "+1" of pixel counting."""

from typing import Literal

import numpy as np

from mmvg.checks import check_choice


def box_areas(boxes: np.ndarray) -> np.ndarray:
    """Compute the areas (N,) of ``boxes`` (N, 4), xyxy.

    Example:
        >>> box_areas(np.array([[0, 0, 4, 5]]))
        array([20])
    """
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def box_overlaps(boxes1: np.ndarray, boxes2: np.ndarray, mode: Literal['iou', 'giou'] = 'iou') -> np.ndarray:
    """Compute the IoU or GIoU (arXiv:1902.09630, Alg. 1) of every box with every other.

    Where the union has no area the IoU is 0, so two equal boxes of zero area overlap by 0 (0/0 in the official GREC
    evaluator). There is one division per entry: with whole coordinates, 0.5 comes out as 0.5.

    Args:
        boxes1: (M, 4) xyxy.
        boxes2: (N, 4) xyxy, in the same frame.
        mode: ``'iou'`` or ``'giou'``.

    Returns:
        (M, N) float64.

    Raises:
        ValueError: If a box is not finite or its corners are swapped, or ``mode`` is unknown.

    Example:
        >>> boxes = np.array([[0, 0, 2, 2], [4, 0, 6, 2]])
        >>> box_overlaps(boxes, np.array([[0, 0, 2, 4]]))
        array([[0.5],
               [0. ]])
        >>> box_overlaps(boxes, np.array([[0, 0, 2, 4]]), mode='giou')
        array([[ 0.5],
               [-0.5]])
    """
    check_choice('overlap', mode, ('iou', 'giou'))
    return overlaps_of_checked(check_boxes(boxes1), check_boxes(boxes2), mode)


def overlaps_of_checked(boxes1: np.ndarray, boxes2: np.ndarray, mode: Literal['iou', 'giou'] = 'iou') -> np.ndarray:
    """Compute :func:`box_overlaps` of what :func:`check_boxes` has returned.

    Example:
        >>> overlaps_of_checked(check_boxes([[0, 0, 2, 2]]), check_boxes([[0, 0, 2, 4]]))
        array([[0.5]])
    """
    low1, high1, low2, high2 = boxes1[:, None, :2], boxes1[:, None, 2:], boxes2[:, :2], boxes2[:, 2:]
    sides = np.maximum(np.minimum(high1, high2) - np.maximum(low1, low2), 0)
    intersection = sides[..., 0] * sides[..., 1]
    union = box_areas(boxes1)[:, None] + box_areas(boxes2) - intersection
    if mode == 'iou':
        return _divide(intersection, union, 0.0)
    sides = np.maximum(high1, high2) - np.minimum(low1, low2)
    hull = sides[..., 0] * sides[..., 1]
    # I / U - (C - U) / C; without a union only the second part is left, without a hull nothing
    return _divide(intersection * hull - (hull - union) * union, union * hull, np.where(hull > 0, -1.0, 0.0))


def check_boxes(boxes: np.ndarray) -> np.ndarray:
    """Check ``boxes`` (N, 4) xyxy and return them as float64.

    Raises:
        ValueError: If the shape is not (N, 4), a number is not finite, or x2 < x1 or y2 < y1.

    Example:
        >>> check_boxes([]).shape
        (0, 4)
        >>> check_boxes([[5, 0, 4, 1]])
        Traceback (most recent call last):
            ...
        ValueError: box 0, [5.0, 0.0, 4.0, 1.0], has x2 < x1 or y2 < y1
    """
    boxes = np.asarray(boxes, dtype=np.float64)
    if boxes.size == 0:
        return boxes.reshape(0, 4)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f'boxes must be (N, 4), not {boxes.shape}')
    sides = boxes[:, 2:] - boxes[:, :2]
    if sides.min() >= 0 and sides.max() < np.inf:  # what is not finite makes them infinite or NaN
        return boxes
    for wrong, what in (
        (~np.isfinite(boxes).all(1), 'is not finite'),
        ((boxes[:, 2:] < boxes[:, :2]).any(1), 'has x2 < x1 or y2 < y1'),
    ):
        if wrong.any():
            index = int(wrong.argmax())
            raise ValueError(f'box {index}, {boxes[index].tolist()}, {what}')
    return boxes


def _divide(numerator: np.ndarray, denominator: np.ndarray, otherwise: np.ndarray | float) -> np.ndarray:
    """Divide element by element; take ``otherwise`` where the denominator is not above 0."""
    positive = denominator > 0
    if positive.all():
        return numerator / denominator
    return np.divide(numerator, denominator, out=np.broadcast_to(otherwise, numerator.shape).copy(), where=positive)
