"""Grasp rectangles: ``[x, y, w, h, theta]`` and corners, and what happens to them when pixels move.

A grasp (..., 5) is its centre ``x``, ``y`` in pixels (x right, y down), the opening ``w`` of the gripper, the size
``h`` of its jaws across the opening, and ``theta``, the opening axis in radians, counter-clockwise as seen on the
screen, in (-pi/2, pi/2]. Corners (..., 4, 2) are p1 p2 p3 p4 in the order of OCID-VLG: p1 -> p4 is the opening, p1 ->
p2 a jaw.

All functions take tensors and arrays alike and return what they were given, in the same floating-point type.
"""

from math import pi

import numpy as np
import torch
from torch import Tensor

#: Rectangles with a side below this many pixels are no grasps: they have no direction.
MIN_SIDE = 1e-3


def fold_angle(theta: Tensor | np.ndarray) -> Tensor | np.ndarray:
    """Angles of an axis, in radians, folded to (-pi/2, pi/2]: half a turn changes nothing about a gripper."""
    lib = _lib(theta)
    folded = lib.remainder(theta + pi / 2, pi) - pi / 2
    return lib.where(folded <= -pi / 2, folded + pi, folded)


def grasps_to_corners(grasps: Tensor | np.ndarray) -> Tensor | np.ndarray:
    """Grasps (..., 5) to corners (..., 4, 2), p1 p2 p3 p4."""
    lib = _lib(grasps)
    x, y, w, h, theta = (grasps[..., i] for i in range(5))
    cos, sin = lib.cos(theta), lib.sin(theta)
    opening = lib.stack([cos * w, -sin * w], -1)
    jaw = lib.stack([sin * h, cos * h], -1)
    first = lib.stack([x, y], -1) - opening / 2 - jaw / 2
    return lib.stack([first, first + jaw, first + jaw + opening, first + opening], -2)


def corners_to_grasps(corners: Tensor | np.ndarray) -> Tensor | np.ndarray:
    """Corners (..., 4, 2) to grasps (..., 5); of a quadrangle that is no rectangle, sides and angle at p1 count.

    The convention is OCID-VLG's, whose opening is p1 -> p4. In Cornell's, it is p1 -> p2.
    """
    lib = _lib(corners)
    p1, p2, p3, p4 = (corners[..., i, :] for i in range(4))
    centre, opening, jaw = (p1 + p3) / 2, p4 - p1, p2 - p1
    w = lib.hypot(opening[..., 0], opening[..., 1])
    h = lib.hypot(jaw[..., 0], jaw[..., 1])
    arctan2 = torch.atan2 if isinstance(corners, Tensor) else np.arctan2
    theta = fold_angle(-arctan2(opening[..., 1], opening[..., 0]))
    return lib.stack([centre[..., 0], centre[..., 1], w, h, theta], -1)


def transform_grasps(grasps: Tensor | np.ndarray, matrix: np.ndarray) -> Tensor | np.ndarray:
    """Move grasps (..., 5) by a homography ``matrix`` (3, 3), which acts on pixel coordinates (x, y, 1).

    The corners are moved and measured again; a resize that is not uniform changes angles and both sides.
    """
    corners = grasps_to_corners(grasps)
    if isinstance(corners, Tensor):
        matrix = torch.as_tensor(np.asarray(matrix), dtype=corners.dtype, device=corners.device)
    else:
        matrix = np.asarray(matrix, dtype=corners.dtype)
    moved = corners @ matrix[:2, :2].T + matrix[:2, 2]
    depth = corners @ matrix[2, :2] + matrix[2, 2]
    return corners_to_grasps(moved / depth[..., None])


def usable_grasps(grasps: Tensor | np.ndarray) -> Tensor | np.ndarray:
    """Which grasps (..., 5) are finite and have an area, bool (...)."""
    lib = _lib(grasps)
    sides = grasps[..., 2:4]
    return lib.isfinite(grasps).all(-1) & (sides >= MIN_SIDE).all(-1)


def rotated_iou(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Exact IoU (N,) float64 of N pairs of grasps (N, 5), by polygon intersection with shapely.

    Pairs whose circumscribed circles do not meet are not intersected, and a rectangle that is not finite or has no
    area (:func:`usable_grasps`) has IoU 0 with everything.
    """
    left, right = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
    reach = np.hypot(left[:, 2], left[:, 3]) + np.hypot(right[:, 2], right[:, 3])
    apart = np.hypot(left[:, 0] - right[:, 0], left[:, 1] - right[:, 1])
    near = (2 * apart < reach) & usable_grasps(left) & usable_grasps(right)
    iou = np.zeros(len(left))
    if not near.any():
        return iou
    from shapely import area, intersection, polygons

    left, right = left[near], right[near]
    common = area(intersection(polygons(grasps_to_corners(left)), polygons(grasps_to_corners(right))))
    iou[near] = common / (left[:, 2] * left[:, 3] + right[:, 2] * right[:, 3] - common)
    return iou


def rotated_ious(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Exact IoU (N, M) float64 of every grasp of ``left`` (N, 5) with every one of ``right`` (M, 5)."""
    rows, columns = np.indices((len(left), len(right))).reshape(2, -1)
    pairs = rotated_iou(np.asarray(left)[rows], np.asarray(right)[columns])
    return pairs.reshape(len(left), len(right))


def _lib(value: Tensor | np.ndarray):
    return torch if isinstance(value, Tensor) else np
