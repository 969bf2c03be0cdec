"""CoverAcc: whether the points that queries start from lie on the targets (InstanceVG, arXiv:2509.13747)."""

import numpy as np

from mmvg.evaluation.functional.box_overlaps import check_boxes


def covered_share(points: np.ndarray, boxes: np.ndarray) -> float:
    """Compute the share of ``boxes`` that contain at least one of ``points``, edges included.

    Args:
        points: (Q, 2), x and y.
        boxes: (N, 4) xyxy, N >= 1.

    Returns:
        A number in [0, 1].

    Raises:
        ValueError: If there is no box, a point is not finite, or a box is not finite or inverted.

    Example:
        >>> covered_share(points=np.array([[3, 3], [4, 4]]), boxes=np.array([[0, 0, 4, 4], [6, 6, 8, 8]]))
        0.5
    """
    boxes, points = check_boxes(boxes), np.asarray(points, dtype=np.float64).reshape(-1, 2)
    if len(boxes) == 0:
        raise ValueError('CoverAcc is defined for images with a target only')
    if not np.isfinite(points).all():
        raise ValueError(f'point {int(np.argmin(np.isfinite(points).all(1)))} is not finite')
    inside = (points[:, None] >= boxes[None, :, :2]) & (points[:, None] <= boxes[None, :, 2:])  # Q, N, 2
    return float(inside.all(-1).any(0).mean())
