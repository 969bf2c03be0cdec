"""Match predicted grasps with true ones, and compute the shares that papers report."""

from collections.abc import Sequence

import numpy as np

from mmvg.evaluation.functional.percent import mean_percent
from mmvg.structures import rotated_iou, usable_grasps

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
    near = np.abs((_degrees(pred) - _degrees(gt) + 90) % 180 - 90) <= MAX_ANGLE + _ROUNDING
    return rotated_iou(pred, gt, above=MIN_IOU, where=near) > MIN_IOU


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
    rasters = [_Raster(grasp) if matches[i].any() else None for i, grasp in enumerate(pred)]
    others = [_Raster(grasp) if matches[:, i].any() else None for i, grasp in enumerate(gt)]
    for row, column in zip(*matches.nonzero(), strict=True):
        matches[row, column] = rasters[row].iou(others[column]) > MIN_IOU
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


class _Raster:
    """Pixels of a rectangle as CROG's evaluator fills it, in a window around it."""

    def __init__(self, grasp: np.ndarray) -> None:
        import cv2

        x, y, w, h, theta = np.asarray(grasp, dtype=np.float64).tolist()
        corners = cv2.boxPoints(((x, y), (w, h), -np.rad2deg(theta))).astype(np.int64)
        self.low = corners.min(0).clip(0, CROG_CANVAS)
        self.high = (corners.max(0) + 1).clip(0, CROG_CANVAS)
        columns = np.arange(self.low[0], self.high[0])[None]
        rows = np.arange(self.low[1], self.high[1])[:, None]
        self.pixels = _fill(corners, columns, rows)
        self.area = int(np.count_nonzero(self.pixels))

    def iou(self, other: '_Raster') -> float:
        """Compute the IoU with ``other`` in pixels, 0 where both have none."""
        (left, top), (right, bottom) = np.maximum(self.low, other.low), np.minimum(self.high, other.high)
        if left >= right or top >= bottom:
            return 0.0
        windows = [
            raster.pixels[top - raster.low[1] : bottom - raster.low[1], left - raster.low[0] : right - raster.low[0]]
            for raster in (self, other)
        ]
        common = int(np.count_nonzero(windows[0] & windows[1]))
        union = self.area + other.area - common
        return common / union if union else 0.0


def _fill(corners: np.ndarray, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Find the pixels at ``columns`` (1, w) and ``rows`` (h, 1) that lie in a polygon or on its border, even-odd."""
    inside = np.zeros((rows.size, columns.size), bool)
    border = inside.copy()
    for (ax, ay), (bx, by) in zip(corners.tolist(), np.roll(corners, -1, axis=0).tolist(), strict=True):
        cross = (bx - ax) * (rows - ay) - (by - ay) * (columns - ax)
        straddles = (ay > rows) != (by > rows)
        inside ^= straddles & ((cross > 0) == (by > ay))
        between = (columns >= min(ax, bx)) & (columns <= max(ax, bx)) & (rows >= min(ay, by)) & (rows <= max(ay, by))
        border |= (cross == 0) & between
    return inside | border
