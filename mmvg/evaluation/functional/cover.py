"""Do the points from which queries start lie on the targets? (CoverAcc, InstanceVG, arXiv:2509.13747)."""

import numpy as np

from mmvg.evaluation.functional.box_overlaps import check_boxes


def covered_share(points: np.ndarray, boxes: np.ndarray) -> float:
    """Share in [0, 1] of ``boxes`` (N, 4) xyxy that contain one of ``points`` (Q, 2) or more, edges included.

    Raises:
        ValueError: If there is no box, a point is not finite, or a box is not finite or inverted.
    """
    boxes, points = check_boxes(boxes), np.asarray(points, dtype=np.float64).reshape(-1, 2)
    if len(boxes) == 0:
        raise ValueError('CoverAcc is defined for images with a target only')
    if not np.isfinite(points).all():
        raise ValueError(f'point {int(np.argmin(np.isfinite(points).all(1)))} is not finite')
    inside = (points[:, None] >= boxes[None, :, :2]) & (points[:, None] <= boxes[None, :, 2:])  # Q, N, 2
    return float(inside.all(-1).any(0).mean())
