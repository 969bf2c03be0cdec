"""Match predicted grasps with true ones, and compute the shares that papers report."""

import math
from collections.abc import Sequence

import numpy as np

from mmvg.evaluation.functional.percent import mean_percent
from mmvg.structures import rotated_iou, usable_grasps
from mmvg.structures.grasps import iou_of_two

MAX_ANGLE = 30.0  # degrees, included
MIN_IOU = 0.25  # excluded
CROG_CANVAS = 480  # pixels of the authors' canvas, in x as in y
_ROUNDING = 1e-4  # degrees that two float32 angles may be off


def strict_matches(pred: np.ndarray, gt: np.ndarray) -> np.ndarray:
    """Find which predicted grasps match which true ones, as papers describe it.

    A pair matches if the angle between the opening axes, modulo half a turn, is 30 degrees or less, and the exact IoU
    of the rectangles, which are not cut off at the border of the image, is more than 0.25.

    Args:
        pred: (N, 5).
        gt: (M, 5).

    Returns:
        Bool (N, M).

    Example:
        >>> grasps = np.array([[50, 50, 40, 20, 0.0], [50, 50, 40, 20, 1.0]])  # the second turned by 57 degrees
        >>> strict_matches(grasps, grasps[:1])
        array([[ True],
               [False]])
    """
    return pairs_match(pred[:, None], gt[None])


def pairs_match(pred: np.ndarray, gt: np.ndarray) -> np.ndarray:
    """Tell whether grasps (..., 5) match others, which are broadcast, as bool (...); see :func:`strict_matches`.

    Example:
        >>> grasps = np.array([[50, 50, 40, 20, 0.0], [90, 50, 40, 20, 0.0]])
        >>> pairs_match(grasps, grasps[0])
        array([ True, False])
    """
    if pred.size == gt.size == 5:  # calls of NumPy on single numbers take longer than the numbers
        left, right = pred.reshape(5).tolist(), gt.reshape(5).tolist()
        turn = abs((math.degrees(left[4]) - math.degrees(right[4]) + 90) % 180 - 90)
        matches = turn <= MAX_ANGLE + _ROUNDING and iou_of_two(left, right) > MIN_IOU
        return np.full(np.broadcast(pred, gt).shape[:-1], matches)
    matches = np.abs((_degrees(pred) - _degrees(gt) + 90) % 180 - 90) <= MAX_ANGLE + _ROUNDING
    pairs = matches.nonzero()
    if len(pairs[0]):
        left, right = (np.broadcast_to(grasps, (*matches.shape, 5))[pairs] for grasps in (pred, gt))
        matches[pairs] = rotated_iou(left, right) > MIN_IOU
    return matches


def crog_matches(pred: np.ndarray, gt: np.ndarray) -> np.ndarray:
    """Find which predicted grasps match which true ones, by the evaluator of CROG.

    The published J@N were measured with it. Its peculiarities are kept: an angle of -a passes for a; the IoU is counted
    in pixels of rectangles with their corners cut to whole numbers; and nothing at x >= 480 is seen.

    Args:
        pred: (N, 5).
        gt: (M, 5).

    Returns:
        Bool (N, M).

    Example:
        >>> left, right = np.array([[50, 50, 40, 20, 1.0]]), np.array([[50, 50, 40, 20, -1.0]])
        >>> crog_matches(left, right), strict_matches(left, right)
        (array([[ True]]), array([[False]]))
    """
    left, right = _degrees(pred)[:, None], _degrees(gt)[None]
    matches = np.minimum(np.abs(left - right), np.abs(left + right)) <= MAX_ANGLE + _ROUNDING
    matches &= usable_grasps(pred)[:, None] & usable_grasps(gt)[None]
    wide = {side: np.hypot(grasps[:, 2], grasps[:, 3]) for side, grasps in (('pred', pred), ('gt', gt))}
    apart = np.hypot(pred[:, None, 0] - gt[None, :, 0], pred[:, None, 1] - gt[None, :, 1])
    matches &= 2 * apart < wide['pred'][:, None] + wide['gt'][None] + 8  # the cut corners move by less than that
    rows, columns = matches.nonzero()
    if len(rows):
        drawn = matches.any(1), matches.any(0)
        corners = np.array([_cut_corners(grasp) for grasp in (*pred[drawn[0]], *gt[drawn[1]])])
        places = [np.cumsum(side) - 1 for side in drawn]  # of a grasp among the corners of its side
        left, right = places[0][rows], drawn[0].sum() + places[1][columns]
        matches[rows, columns] = _overlap_on_canvas(corners, left, right) > MIN_IOU
    return matches


def limit_grasps(grasps: np.ndarray, width: float | None, jaw: float | None) -> np.ndarray:
    """Copy ``grasps`` (M, 5), with openings clipped to ``width`` pixels and jaws of ``jaw`` pixels; None: as they are.

    Example:
        >>> limit_grasps(np.array([[50, 50, 140, 30, 0.0]]), width=100, jaw=20)
        array([[ 50.,  50., 100.,  20.,   0.]])
    """
    limited = np.array(grasps, dtype=np.float64).reshape(-1, 5)
    if width is not None:
        limited[:, 2] = limited[:, 2].clip(0, width)
    if jaw is not None:
        limited[:, 3] = jaw
    return limited


def first_match(matches: np.ndarray) -> int | None:
    """Return the rank, from 0, of the first prediction that matches anything in ``matches`` (N, M); None if none does.

    Example:
        >>> first_match(np.array([[False, False], [False, True]]))
        1
    """
    hits = matches.any(axis=1)
    return int(hits.argmax()) if hits.any() else None


def jaccard_at(ranks: Sequence[int | None], top: int) -> float:
    """Compute J@N in percent: the share of samples with a match among the first ``top`` predictions.

    Args:
        ranks: Per sample, what :func:`first_match` returns.
        top: The N of J@N.

    Returns:
        Percent; NaN for no samples.

    Example:
        >>> jaccard_at([0, 3, None, 0], top=1)
        50.0
    """
    return mean_percent(rank is not None and rank < top for rank in ranks)


def harmonic_mean(first: float, second: float) -> float:
    """Compute 2ab / (a + b), 0 where both are 0.

    Example:
        >>> harmonic_mean(60.0, 30.0)
        40.0
    """
    return 2 * first * second / (first + second) if first + second else 0.0 * (first + second)


def _degrees(grasps: np.ndarray) -> np.ndarray:
    """Return the angles of grasps (..., 5) in degrees, NaN where they are not finite."""
    theta = np.asarray(grasps, dtype=np.float64)[..., 4]
    return np.rad2deg(np.where(np.isfinite(theta), theta, np.nan))


def _cut_corners(grasp: np.ndarray) -> np.ndarray:
    """Return the corners (4, 2) int64 of a grasp (5,) as CROG's evaluator has them."""
    import cv2

    x, y, w, h, theta = np.asarray(grasp, dtype=np.float64).tolist()
    return cv2.boxPoints(((x, y), (w, h), -np.rad2deg(theta))).astype(np.int64)


def _overlap_on_canvas(corners: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Compute the IoU (K,) of pairs of the rectangles ``corners`` (P, 4, 2) in pixels of CROG's canvas, 0 for no pixel.

    What lies in a rectangle or on its border is one span in each row of pixels: cutting corners to whole numbers keeps
    the order of coordinates, so that the rectangle stays convex.
    """
    rows = np.arange(max(0, corners[..., 1].min()), min(CROG_CANVAS, corners[..., 1].max() + 1))
    low, high = _spans(corners, rows)
    areas = np.maximum(high - low + 1, 0).sum(1)
    common = np.minimum(high[left], high[right]) - np.maximum(low[left], low[right]) + 1
    common = np.maximum(common, 0).sum(1)
    return common / np.maximum(areas[left] + areas[right] - common, 1)


def _spans(corners: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the first and the last pixel (P, R) of convex polygons (P, 4, 2) in rows (R,) of the canvas.

    Divisions are exact enough to be rounded for whole numbers below 2 ** 26.
    """
    corners = corners.astype(np.float64)
    (x, y), (to_x, to_y) = (np.moveaxis(ends, -1, 0)[..., None] for ends in (corners, corners[:, [1, 2, 3, 0]]))
    level = to_y == y  # of such an edge the first corner counts, and its neighbour has the other
    at = x + np.where(level, 0, to_x - x) * (rows - y) / np.where(level, 1, to_y - y)
    beside = (rows < np.minimum(y, to_y)) | (rows > np.maximum(y, to_y))
    low, high = np.where(beside, CROG_CANVAS, at).min(1), np.where(beside, -1, at).max(1)
    return np.ceil(low).clip(0, None), np.floor(high).clip(None, CROG_CANVAS - 1)
