"""Grasp rectangles as ``[x, y, w, h, theta]`` or corners: conversion, motion and overlap.

A grasp (..., 5) is its centre ``x``, ``y`` in pixels (x right, y down), the opening ``w`` of the gripper, the size
``h`` of its jaws across the opening, and ``theta``, the opening axis in radians, counter-clockwise as seen on the
screen, in (-pi/2, pi/2]. Corners (..., 4, 2) are p1 p2 p3 p4 in the order of OCID-VLG: p1 -> p4 is the opening, p1 ->
p2 a jaw.

All functions take tensors and arrays alike and return what they were given, in the same floating-point type.
"""

from __future__ import annotations

from math import pi
from typing import TYPE_CHECKING

import numpy as np

from mmvg.structures.array_library import array_library, is_tensor

if TYPE_CHECKING:
    from torch import Tensor

#: Rectangles with a side below this many pixels are no grasps: they have no direction.
MIN_SIDE = 1e-3


def fold_angle(theta: Tensor | np.ndarray) -> Tensor | np.ndarray:
    """Fold angles of an axis, in radians, to (-pi/2, pi/2]: half a turn changes nothing about a gripper.

    Example:
        >>> fold_angle(np.array([0.5, 0.5 + pi, -pi / 2]))
        array([0.5   , 0.5   , 1.5708])
    """
    lib = array_library(theta)
    folded = lib.remainder(theta + pi / 2, pi) - pi / 2
    return lib.where(folded <= -pi / 2, folded + pi, folded)


def grasps_to_corners(grasps: Tensor | np.ndarray) -> Tensor | np.ndarray:
    """Convert grasps (..., 5) to corners (..., 4, 2), p1 p2 p3 p4.

    Example:
        >>> grasps_to_corners(np.array([50.0, 30, 40, 20, 0]))
        array([[30., 20.],
               [30., 40.],
               [70., 40.],
               [70., 20.]])
    """
    lib = array_library(grasps)
    x, y, w, h, theta = (grasps[..., i] for i in range(5))
    cos, sin = lib.cos(theta), lib.sin(theta)
    opening = lib.stack([cos * w, -sin * w], -1)
    jaw = lib.stack([sin * h, cos * h], -1)
    first = lib.stack([x, y], -1) - opening / 2 - jaw / 2
    return lib.stack([first, first + jaw, first + jaw + opening, first + opening], -2)


def corners_to_grasps(corners: Tensor | np.ndarray) -> Tensor | np.ndarray:
    """Convert corners (..., 4, 2) to grasps (..., 5).

    Of a quadrangle that is no rectangle, the sides and the angle at p1 count. The convention is OCID-VLG's, whose
    opening is p1 -> p4. In Cornell's, it is p1 -> p2.

    Example:
        >>> import torch
        >>> corners_to_grasps(torch.tensor([[30.0, 20], [30, 40], [70, 40], [70, 20]]))
        tensor([50., 30., 40., 20., 0.])
    """
    lib = array_library(corners)
    p1, p2, p3, p4 = (corners[..., i, :] for i in range(4))
    centre, opening, jaw = (p1 + p3) / 2, p4 - p1, p2 - p1
    w = lib.hypot(opening[..., 0], opening[..., 1])
    h = lib.hypot(jaw[..., 0], jaw[..., 1])
    theta = fold_angle(-lib.arctan2(opening[..., 1], opening[..., 0]))
    return lib.stack([centre[..., 0], centre[..., 1], w, h, theta], -1)


def transform_grasps(grasps: Tensor | np.ndarray, matrix: np.ndarray) -> Tensor | np.ndarray:
    """Move grasps by a homography.

    The corners are moved and measured again; a resize that is not uniform changes angles and both sides.

    Args:
        grasps: (..., 5) in pixels.
        matrix: (3, 3), which acts on pixel coordinates (x, y, 1).

    Returns:
        (..., 5) in the pixels that ``matrix`` leads to.

    Example:
        >>> transform_grasps(np.array([50.0, 30, 40, 20, 0]), np.diag([0.5, 0.5, 1]))
        array([25., 15., 20., 10.,  0.])
    """
    corners = grasps_to_corners(grasps)
    if is_tensor(corners):
        matrix = array_library(corners).as_tensor(np.asarray(matrix), dtype=corners.dtype, device=corners.device)
    else:
        matrix = np.asarray(matrix, dtype=corners.dtype)
    moved = corners @ matrix[:2, :2].T + matrix[:2, 2]
    depth = corners @ matrix[2, :2] + matrix[2, 2]
    return corners_to_grasps(moved / depth[..., None])


def original_to_input_grasps(grasps: Tensor | np.ndarray, matrix: np.ndarray | None) -> Tensor | np.ndarray:
    """Move grasps (..., 5) from original to input pixels by the ``homography_matrix`` of a pipeline; None leaves them.

    Grasps count from the centre of the first pixel, the matrix from its corner.

    Args:
        grasps: In pixels of the original image.
        matrix: (3, 3), or ``None`` where nothing has moved the image.

    Returns:
        What was given, moved: half as large a picture has its first centre where pixels 0 and 1 meet.

    Example:
        >>> original_to_input_grasps(np.array([[0.5, 0.5, 20.0, 10.0, 0.0]]), np.diag([0.5, 0.5, 1]))
        array([[ 0.,  0., 10.,  5.,  0.]])
    """
    if matrix is None:
        return grasps
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    return transform_grasps(grasps, np.linalg.inv(half) @ np.asarray(matrix, dtype=np.float64) @ half)


def usable_grasps(grasps: Tensor | np.ndarray) -> Tensor | np.ndarray:
    """Find which grasps (..., 5) are finite and have an area, as bool (...).

    Example:
        >>> usable_grasps(np.array([[50, 30, 40, 20, 0], [50, 30, 0, 20, 0], [np.nan, 30, 40, 20, 0]]))
        array([ True, False, False])
    """
    lib = array_library(grasps)
    sides = grasps[..., 2:4]
    return lib.isfinite(grasps).all(-1) & (sides >= MIN_SIDE).all(-1)


def rotated_iou(left: np.ndarray, right: np.ndarray, above: float = 0.0, where: np.ndarray | None = None) -> np.ndarray:
    """Compute the exact IoU of grasps pair by pair, by polygon intersection with shapely.

    Args:
        left: (..., 5).
        right: (..., 5), broadcast with ``left``.
        above: IoU that matters: pairs that a bound shows to be apart, or not to reach it, are given as 0 and not
            intersected.
        where: Bool (...); pairs that are False are given as 0 and not intersected.

    Returns:
        (...) float64; 0 also for rectangles that are not finite or have no area (:func:`usable_grasps`).

    Example:
        >>> rotated_iou(np.array([50, 30, 40, 20, 0]), np.array([[60, 30, 40, 20, 0], [50, 30, 20, 40, pi / 2]]))
        array([0.6, 1. ])
    """
    left, right = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
    areas = left[..., 2] * left[..., 3] + right[..., 2] * right[..., 3]
    with np.errstate(invalid='ignore', over='ignore'):
        most = _intersection_bound(left, right)
        near = (most > 0) & (most >= (above - 1e-6) * (areas - most))
    near &= usable_grasps(left) & usable_grasps(right)
    if where is not None:
        near &= where
    iou = np.zeros(near.shape)
    if not near.any():
        return iou
    from shapely import area, intersection, polygons

    shapes = [polygons(grasps_to_corners(np.broadcast_to(grasps, (*near.shape, 5))[near])) for grasps in (left, right)]
    common = area(intersection(*shapes))
    iou[near] = common / (areas[near] - common)
    return iou


def rotated_ious(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Compute the exact IoU (N, M) float64 of every grasp of ``left`` (N, 5) with every one of ``right`` (M, 5).

    Example:
        >>> rotated_ious(np.array([[50, 30, 40, 20, 0]]), np.array([[60, 30, 40, 20, 0], [90, 30, 40, 20, 0]]))
        array([[0.6, 0. ]])
    """
    return rotated_iou(np.asarray(left)[:, None], np.asarray(right)[None])


def _intersection_bound(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Bound the common area (...) of two rectangles from above; 0 if they are apart.

    The bound is the common area of each rectangle and the box around the other in its axes. As the axes of both are
    tried, no two rectangles that are apart have more than 0 (separating axis theorem).
    """
    cos, sin = (function(left[..., 4]) for function in (np.cos, np.sin))
    other_cos, other_sin = (function(right[..., 4]) for function in (np.cos, np.sin))
    along, across = np.abs(cos * other_cos + sin * other_sin), np.abs(sin * other_cos - cos * other_sin)
    x, y = right[..., 0] - left[..., 0], right[..., 1] - left[..., 1]
    halves = left[..., 2] / 2, left[..., 3] / 2
    other_halves = right[..., 2] / 2, right[..., 3] / 2
    bounds = []
    for (w, h), (other_w, other_h), (c, s) in (
        (halves, other_halves, (cos, sin)),
        (other_halves, halves, (other_cos, other_sin)),
    ):
        reach = along * other_w + across * other_h, across * other_w + along * other_h
        offset = np.abs(c * x - s * y), np.abs(s * x + c * y)
        sides = [
            np.minimum(2 * np.minimum(half, r), half + r - o) for half, r, o in zip((w, h), reach, offset, strict=True)
        ]
        bounds.append(np.maximum(sides[0], 0) * np.maximum(sides[1], 0))
    return np.minimum(*bounds)
