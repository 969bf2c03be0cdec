"""Grasp rectangles as ``[x, y, w, h, theta]`` or corners: conversion, motion and overlap.

A grasp (..., 5) is its centre ``x``, ``y`` in pixels (x right, y down), the opening ``w`` of the gripper, the size
``h`` of its jaws across the opening, and ``theta``, the opening axis in radians, counter-clockwise as seen on the
screen, in (-pi/2, pi/2]. Corners (..., 4, 2) are p1 p2 p3 p4 in the order of OCID-VLG: p1 -> p4 is the opening, p1 ->
p2 a jaw.

All functions take tensors and arrays alike and return what they were given, in the same floating-point type.
"""

from __future__ import annotations

from cmath import rect
from math import isfinite, pi
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


def rotated_iou(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Compute the exact IoU of grasps pair by pair.

    Args:
        left: (..., 5).
        right: (..., 5), broadcast with ``left``.

    Returns:
        (...) float64; 0 also for rectangles that are not finite or have no area (:func:`usable_grasps`).

    Example:
        >>> rotated_iou(np.array([50, 30, 40, 20, 0]), np.array([[60, 30, 40, 20, 0], [50, 30, 20, 40, pi / 2]]))
        array([0.6, 1. ])
    """
    left, right = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if left.size == right.size == 5:  # a call of NumPy takes as long as all of it in Python
        iou = iou_of_two(left.reshape(5).tolist(), right.reshape(5).tolist())
        return np.full(np.broadcast(left, right).shape[:-1], iou)
    usable = usable_grasps(left) & usable_grasps(right)
    if not usable.any():
        return np.zeros(usable.shape)
    with np.errstate(invalid='ignore', over='ignore'):
        areas, other_areas = left[..., 2] * left[..., 3], right[..., 2] * right[..., 3]
        common = np.minimum(_common_area(left, right), np.minimum(areas, other_areas))
        return np.where(usable, common / (areas + other_areas - common), 0.0)


def rotated_ious(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Compute the exact IoU (N, M) float64 of every grasp of ``left`` (N, 5) with every one of ``right`` (M, 5).

    Example:
        >>> rotated_ious(np.array([[50, 30, 40, 20, 0]]), np.array([[60, 30, 40, 20, 0], [90, 30, 40, 20, 0]]))
        array([[0.6, 0. ]])
    """
    return rotated_iou(np.asarray(left)[:, None], np.asarray(right)[None])


def iou_of_two(left: list[float], right: list[float]) -> float:
    """Compute what :func:`rotated_iou` does for one pair of ``[x, y, w, h, theta]``.

    Example:
        >>> iou_of_two([50, 30, 40, 20, 0], [60, 30, 40, 20, 0])
        0.6
    """
    (x, y, w, h, theta), (other_x, other_y, other_w, other_h, other_theta) = left, right
    if not all(map(isfinite, (*left, *right))) or min(w, h, other_w, other_h) < MIN_SIDE:
        return 0.0
    centre = complex(other_x - x, y - other_y) * rect(1, -theta)
    opening, jaw = rect(other_w / 2, other_theta - theta), rect(other_h / 2, other_theta - theta + pi / 2)
    corners = [centre - opening - jaw, centre + opening - jaw, centre + opening + jaw, centre - opening + jaw]
    area = sum(_below_edge(corners[i - 1], corners[i], w / 2, h / 2) for i in range(4))
    areas = w * h, other_w * other_h
    common = min(abs(area), *areas)
    return common / (sum(areas) - common)


def _below_edge(start: complex, end: complex, side: float, top: float) -> float:
    """Area below an edge between ``-side`` and ``side``, with heights cut off at ``-top`` and ``top``."""
    along, up = end.real - start.real, end.imag - start.imag
    if not along:
        return 0.0
    low, high = sorted(((-side - start.real) / along, (side - start.real) / along))
    first, last = min(max(low, 0.0), 1.0), min(max(high, 0.0), 1.0)
    if first == last:
        return 0.0
    low, high = sorted(((-top - start.imag) / up, (top - start.imag) / up)) if up else (first, last)
    area, share, height = 0.0, first, min(max(start.imag + first * up, -top), top)
    for end_share in (min(max(low, first), last), min(max(high, first), last), last):
        end_height = min(max(start.imag + end_share * up, -top), top)
        area += (end_share - share) * (end_height + height)
        share, height = end_share, end_height
    return area / 2 * along


#: Corners of a rectangle in order, in shares of its opening and of its jaw.
_ALONG, _ACROSS = np.array([-0.5, 0.5, 0.5, -0.5]), np.array([-0.5, -0.5, 0.5, 0.5])


def _common_area(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Compute the common area (...) of two rectangles.

    Seen from the left one, it is the area below the edges of the right one, with heights cut off at the top and at the
    bottom of the left one, and edges at its sides: what stays of an edge are at most three straight pieces.
    """
    apart, half = (right - left)[..., None], left[..., None, 2:4] / 2
    centre = (apart[..., 0, :] - 1j * apart[..., 1, :]) * np.exp(-1j * left[..., 4:5])
    corners = centre + np.exp(1j * apart[..., 4, :]) * (right[..., 2:3] * _ALONG + 1j * right[..., 3:4] * _ACROSS)
    starts = corners.view(np.float64).reshape(*corners.shape, 2)  # x, y of four corners
    edges = starts[..., [1, 2, 3, 0], :] - starts
    edges[edges == 0] = 1e-100  # along a side of the left one: it never gets there
    ends = (-half - starts) / edges, (half - starts) / edges  # where it crosses the sides, as shares of it
    low, high = np.minimum(*ends), np.maximum(*ends)
    first, last = low[..., 0].clip(0, 1), high[..., 0].clip(0, 1)
    inner = (np.minimum(np.maximum(crossing[..., 1], first), last) for crossing in (low, high))
    shares = np.stack([first, *inner, last])
    top = half[..., 1]
    heights = np.minimum(np.maximum(starts[..., 1] + shares * edges[..., 1], -top), top)
    pieces = (shares[1:] - shares[:-1]) * (heights[1:] + heights[:-1]) * edges[..., 0]
    return np.abs(pieces.sum((0, -1))) / 2
