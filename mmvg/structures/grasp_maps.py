"""Encode grasps as dense maps, and read ranked grasps from such maps."""

import math

import cv2
import numpy as np
import torch
from torch import Tensor

from mmvg.checks import check_choice
from mmvg.structures.grasps import fold_angle, grasps_to_corners

#: OpenCV's polygons have 16 fractional bits; a rectangle that reaches further away is cut off there.
_FARTHEST = 30000
#: How the quality of a grasp is painted.
QUALITIES = ('flat', 'peak')


def grasps_to_maps(
    grasps: np.ndarray,
    size: tuple[int, int],
    center_ratio: float = 0.5,
    quality_sigma: float = 3.0,
    width_norm: float = 100.0,
    smooth_width: bool = True,
    quality: str = 'flat',
) -> tuple[np.ndarray, np.ndarray]:
    """Paint grasps on a canvas, later ones over earlier ones.

    Of each rectangle only the middle of the opening is painted, with corners rounded to whole pixels and the border
    included; what lies outside the canvas is left out. Angles are painted as cos(2 theta) and sin(2 theta), never
    interpolated; the background has 1 and 0, which is angle 0. Lengths are in pixels of the canvas.

    Args:
        grasps: (M, 5) in pixels of the canvas.
        size: (H, W) of the canvas.
        center_ratio: Painted share of the opening: 1/2 as in CROG and the loader of OCID-VLG, 1/3 as in GR-ConvNet.
        quality_sigma: Gaussian, cut at 4 sigma, that smooths the quality where it is flat; 0: it stays 0 or 1.
        width_norm: Opening that has width 1; wider ones are clipped.
        smooth_width: Smooth the width as the quality is.
        quality: ``'flat'``: 1 on all that is painted, as in the literature, so that the centre of a grasp is anywhere
            in there; ``'peak'``: a bell around the centre of each grasp, two sigma wide on either side of what is
            painted, and the highest bell where they overlap.

    Returns:
        ``maps`` (4, H, W) float32: quality in [0, 1], cos(2 theta), sin(2 theta), width in [0, 1]; and ``painted``
        (H, W) bool, what any rectangle covers.

    Raises:
        ValueError: If a grasp is not finite, or ``quality`` is unknown.

    Example:
        >>> maps, painted = grasps_to_maps([[32, 32, 40, 20, 0.5]], size=(64, 64), quality_sigma=0)
        >>> maps.shape, maps[:, 32, 32]  # quality, cos 1, sin 1, 40 of 100 pixels
        ((4, 64, 64), array([1.    , 0.5403, 0.8415, 0.4   ], dtype=float32))
    """
    check_choice('quality', quality, QUALITIES)
    grasps = np.asarray(grasps, dtype=np.float64).reshape(-1, 5)
    if not np.isfinite(grasps).all():
        raise ValueError(f'grasps must be finite, but there is {grasps[~np.isfinite(grasps).all(1)][0].tolist()}')
    painted, cos, width = (np.zeros(size, np.float32) for _ in range(3))
    sin = np.zeros(size, np.float32)
    cos[:] = 1
    middle = grasps * (1, 1, center_ratio, 1, 1)
    polygons = np.rint(grasps_to_corners(middle)).clip(-_FARTHEST, _FARTHEST).astype(np.int32)
    for polygon, (_, _, opening, _, theta) in zip(polygons, grasps, strict=True):
        values = (1, np.cos(2 * theta), np.sin(2 * theta), np.clip(opening, 0, width_norm) / width_norm)
        for canvas, value in zip((painted, cos, sin, width), values, strict=True):
            cv2.fillConvexPoly(canvas, polygon, float(value))
    height = _smooth(painted, quality_sigma) if quality == 'flat' else _bells(middle, size)
    width = _smooth(width, quality_sigma if smooth_width else 0)
    return np.stack([height, cos, sin, width]), painted > 0


def _bells(rectangles: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The highest (H, W) of one Gaussian per rectangle (M, 5), whose half sides are two sigma."""
    highest = np.zeros(size, np.float32)
    rows, columns = np.arange(size[0])[:, None], np.arange(size[1])
    for x, y, w, h, theta in rectangles:
        along = (columns - x) * np.cos(theta) - (rows - y) * np.sin(theta)
        across = (columns - x) * np.sin(theta) + (rows - y) * np.cos(theta)
        bell = np.exp(-8 * ((along / max(w, 1e-6)) ** 2 + (across / max(h, 1e-6)) ** 2))
        np.maximum(highest, bell, out=highest)
    return highest


def maps_to_grasps(
    quality: Tensor,
    cos: Tensor,
    sin: Tensor,
    width: Tensor,
    count: int,
    min_distance: int = 2,
    threshold: float = 0.0,
    jaw_size: float | None = 20.0,
    center_sigma: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """Read the best grasps from maps (H, W), one at each peak of the quality.

    Args:
        quality: Score of a grasp centred at a pixel.
        cos: cos(2 theta), up to a positive factor that it shares with ``sin``.
        sin: sin(2 theta).
        width: Opening in pixels of the map.
        count: At most so many grasps.
        min_distance: Of :func:`find_peaks`.
        threshold: Of :func:`find_peaks`.
        jaw_size: h of every grasp in pixels; ``None``: half of its opening.
        center_sigma: Of :func:`refine_centers`; 0 leaves centres on whole pixels.

    Returns:
        Grasps (M, 5) in pixels of the map and their scores (M,), best first. What is not finite or has no opening is
        left out before the best are taken.

    Example:
        >>> maps, _ = grasps_to_maps([[32, 30, 40, 20, 0.5]], size=(64, 64))
        >>> quality, cos, sin, width = torch.from_numpy(maps)
        >>> grasps, scores = maps_to_grasps(quality, cos, sin, 100 * width, count=5)
        >>> grasps.shape, scores.shape
        (torch.Size([1, 5]), torch.Size([1]))
    """
    limit = count
    while True:
        peaks = find_peaks(quality, min_distance, threshold, limit)
        y, x = peaks.unbind(1)
        scores, centers = quality[y, x], refine_centers(quality, peaks, center_sigma)
        y, x = centers.round().long().unbind(1)
        theta = torch.atan2(sin[y, x], cos[y, x]) / 2
        opening = width[y, x]
        jaw = opening / 2 if jaw_size is None else torch.full_like(opening, jaw_size)
        grasps = torch.stack([centers[:, 1], centers[:, 0], opening, jaw, fold_angle(theta)], 1)
        kept = (grasps.isfinite().all(1) & scores.isfinite() & (opening > 0)).nonzero()[:count, 0]
        if len(kept) == count or len(peaks) < limit:
            return grasps[kept], scores[kept]
        limit *= 4  # some of the best peaks are no grasps


def find_peaks(values: Tensor, min_distance: int = 2, threshold: float = 0.0, limit: int | None = None) -> Tensor:
    """Find the local maxima of ``values`` (H, W).

    The semantics of scikit-image's ``peak_local_max``, which the grasp literature uses: a peak is strictly above
    ``threshold``, nothing within ``min_distance`` d of it (in the larger of both coordinates) is higher, it lies at
    least d pixels inside the border, and it is further than d from every better peak. A constant map has none.

    Args:
        values: On any device; peaks are looked for on the CPU.
        min_distance: d.
        threshold: See above.
        limit: At most so many of the highest.

    Returns:
        (N, 2) rows and columns, highest first, ties in scan order.

    Example:
        >>> values = torch.zeros(8, 8)
        >>> values[3, 4], values[3, 2] = 0.9, 0.8  # the second is within 2 pixels of the first
        >>> find_peaks(values)
        tensor([[3, 4]])
    """
    heights = values.detach().nan_to_num(nan=-torch.inf)
    heights = (heights if heights.dtype == torch.float64 else heights.float()).cpu().numpy()
    d = min_distance
    side = 2 * d + 1
    inside = tuple(slice(d, max(d, length - d)) for length in heights.shape)
    highest = cv2.dilate(heights, np.ones((side, side), np.uint8))[inside]
    inner = heights[inside]
    candidates = np.argwhere((inner == highest) & (inner > max(threshold, heights.min())))
    candidates = candidates[np.argsort(-inner[tuple(candidates.T)], kind='stable')]
    taken = np.zeros(heights.shape, dtype=bool)  # shifted by d, so that no slice begins below 0
    kept: list[int] = []
    for i, (row, column) in enumerate(candidates.tolist()):
        if len(kept) == limit:
            break
        if not taken[row + d, column + d]:
            kept.append(i)
            taken[row : row + side, column : column + side] = True
    return torch.from_numpy(candidates[kept] + d).to(values.device)


def refine_centers(values: Tensor, peaks: Tensor, sigma: float, steps: int = 30) -> Tensor:
    """Move peaks uphill to fractions of a pixel.

    Mean shift (Comaniciu and Meer, 2002): a centre becomes the mean of the pixels around it, weighted by their values
    and a Gaussian. It finds the middle of a symmetric bump, however few pixels that has.

    Args:
        values: Map (H, W); what is not finite weighs nothing.
        peaks: Rows and columns (N, 2).
        sigma: Of the Gaussian in pixels, cut at 3 sigma; 0 leaves the peaks where they are.
        steps: Means taken one after the other.

    Returns:
        Rows and columns (N, 2), counted from the centre of the first pixel, in the type of ``values``.

    Example:
        >>> values = torch.tensor([[0, 1, 3, 2, 0]]).float().expand(5, 5)
        >>> refine_centers(values, torch.tensor([[2, 2]]), sigma=1.0)
        tensor([[2.0000, 2.1967]])
    """
    centers = peaks.to(values.dtype)
    if not sigma or not len(peaks):
        return centers
    reach = torch.arange(-math.ceil(3 * sigma), math.ceil(3 * sigma) + 1, device=values.device)
    last_row, last_column = values.shape[0] - 1, values.shape[1] - 1
    for _ in range(steps):
        rows, columns = (center.round().long()[:, None] + reach for center in centers.unbind(1))  # (N, K) each
        at_row = _bell(rows - centers[:, :1], sigma) * ((rows >= 0) & (rows <= last_row))
        at_column = _bell(columns - centers[:, 1:], sigma) * ((columns >= 0) & (columns <= last_column))
        window = values[rows.clamp(0, last_row)[:, :, None], columns.clamp(0, last_column)[:, None]]
        weights = window.nan_to_num(0, posinf=0).clamp(min=0) * at_row[:, :, None] * at_column[:, None]  # (N, K, K)
        total = weights.sum((1, 2))[:, None]
        moved = torch.stack([(weights.sum(2) * rows).sum(1), (weights.sum(1) * columns).sum(1)], 1) / total
        centers = torch.where(total > 0, moved, centers)
    return centers


def _bell(distance: Tensor, sigma: float) -> Tensor:
    return torch.exp(-(distance**2) / (2 * sigma**2))


def mask_to_grasp(mask: np.ndarray, jaw_size: float | None = 20.0, margin: float = 0.1) -> np.ndarray:
    """Guess one grasp from the shape of a mask alone: across the narrow side of its tightest rectangle.

    The largest connected part of the mask counts. A baseline: it knows nothing of handles, holes or friction.

    Args:
        mask: Pixels (H, W) of the object.
        jaw_size: h of the grasp in pixels; ``None``: half of its opening.
        margin: Opening beyond the narrow side, as a share of it.

    Returns:
        (1, 5) in pixels of the mask; (0, 5) for a mask without a pixel.

    Example:
        >>> mask = np.zeros((40, 40), bool)
        >>> mask[10:30, 15:25] = True  # upright: 20 pixels high and 10 wide
        >>> mask_to_grasp(mask)
        array([[19.5, 19.5, 11. , 20. ,  0. ]])
    """
    parts, labels, stats, _ = cv2.connectedComponentsWithStats(np.asarray(mask, dtype=np.uint8))
    if parts < 2:
        return np.zeros((0, 5))
    rows, columns = np.nonzero(labels == 1 + stats[1:, cv2.CC_STAT_AREA].argmax())
    (x, y), (first, second), degrees = cv2.minAreaRect(np.stack([columns, rows], 1).astype(np.float32))
    # OpenCV turns clockwise on the screen, and measures between the centres of pixels
    theta = -np.deg2rad(degrees) if first <= second else -np.deg2rad(degrees) + np.pi / 2
    opening = (min(first, second) + 1) * (1 + margin)
    return np.array([[x, y, opening, opening / 2 if jaw_size is None else jaw_size, fold_angle(np.float64(theta))]])


def smooth_map(values: Tensor, sigma: float) -> Tensor:
    """Smooth a map (H, W) with a Gaussian, cut at 4 sigma, with the border repeated; 0 leaves it as it is.

    Example:
        >>> smooth_map(torch.eye(9), sigma=1.0).shape
        torch.Size([9, 9])
    """
    if not sigma:
        return values
    smoothed = _smooth(values.detach().float().cpu().numpy(), sigma)
    return torch.from_numpy(smoothed).to(values)


def _smooth(values: np.ndarray, sigma: float) -> np.ndarray:
    """Smooth an array as :func:`smooth_map` does a tensor."""
    if not sigma:
        return values
    side = 2 * int(4 * sigma + 0.5) + 1
    return cv2.GaussianBlur(values, (side, side), sigma, borderType=cv2.BORDER_REPLICATE)
