"""Read the best grasps from maps, without PyTorch: :func:`mmvg.structures.grasp_maps.maps_to_grasps` on arrays."""

import math
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np

from mmvg.structures import fold_angle


def read_grasps(rule: Any, maps: np.ndarray, mask: np.ndarray, enlargement: float) -> tuple[np.ndarray, np.ndarray]:
    """Read grasps from maps of a picture.

    Args:
        rule: The settings, a :class:`mmvg.export.answers.GraspPostprocess`.
        maps: (5, H, W) float32: probability of the mask, quality, cos, sin and width.
        mask: (H, W) bool.
        enlargement: Pixels of the picture per pixel of the input.

    Returns:
        Grasps (M, 5) in pixels of the picture and their scores (M,), best first, at most ``rule.num_grasps``.
    """
    probability, quality, cos, sin, width = maps
    if rule.gate != 'off':
        quality = quality * (mask if rule.gate == 'hard' else probability)
    of_quality, of_angle, of_width = (sigma * enlargement for sigma in rule.sigmas)
    quality, cos, sin = smooth(quality, of_quality), smooth(cos, of_angle), smooth(sin, of_angle)
    opening = np.float32(rule.width_norm * enlargement) * smooth(width, of_width)
    grasps, scores = [], []
    for peak in peaks(quality, rule.min_distance, rule.score_thr):
        row, column = center = refined(quality, peak, rule.center_sigma * enlargement)
        y, x = (int(np.rint(place)) for place in center)
        jaw = opening[y, x] / 2 if rule.jaw_size is None else np.float32(rule.jaw_size * enlargement)
        theta = fold_angle(np.arctan2(sin[y, x], cos[y, x]) / 2)
        grasp = np.array([column, row, opening[y, x], jaw, theta], np.float32)
        if np.isfinite(grasp).all() and np.isfinite(quality[peak]) and opening[y, x] > 0:
            grasps.append(grasp)
            scores.append(quality[peak])
        if len(grasps) == rule.num_grasps:
            break
    return np.array(grasps, np.float32).reshape(-1, 5), np.array(scores, np.float32)


def peaks(values: np.ndarray, distance: int, threshold: float) -> Iterator[tuple[int, int]]:
    """Find the local maxima of a map (H, W) as :func:`mmvg.structures.grasp_maps.find_peaks` does.

    Yields:
        Row and column, highest first, ties in scan order.

    Example:
        >>> values = np.zeros((8, 8), np.float32)
        >>> values[3, 4], values[3, 2] = 0.9, 0.8  # the second is within 2 pixels of the first
        >>> list(peaks(values, 2, 0.0))
        [(3, 4)]
    """
    values = np.where(np.isnan(values), np.float32(-np.inf), values)
    highest = cv2.dilate(values, np.ones((2 * distance + 1,) * 2, np.uint8))
    is_peak = (values == highest) & (values > threshold) & (values != values.min())
    inside = np.zeros_like(is_peak)
    inside[distance : values.shape[0] - distance, distance : values.shape[1] - distance] = True
    rows, columns = np.nonzero(is_peak & inside)
    taken = np.zeros(values.shape, bool)
    for number in np.argsort(-values[rows, columns], kind='stable'):
        row, column = int(rows[number]), int(columns[number])
        if not taken[row, column]:
            taken[row - distance : row + distance + 1, column - distance : column + distance + 1] = True
            yield row, column


def refined(values: np.ndarray, peak: tuple[int, int], sigma: float, steps: int = 30) -> tuple[float, float]:
    """Move a peak uphill to fractions of a pixel, as :func:`mmvg.structures.grasp_maps.refine_centers` does."""
    if not sigma:
        return float(peak[0]), float(peak[1])
    reach = np.arange(-math.ceil(3 * sigma), math.ceil(3 * sigma) + 1)
    center = np.float32(peak)
    for _ in range(steps):
        places = [np.rint(center[axis]).astype(int) + reach for axis in (0, 1)]
        bells = [
            np.exp(-((places[axis] - center[axis]) ** 2) / (2 * sigma**2))
            * ((places[axis] >= 0) & (places[axis] < values.shape[axis]))
            for axis in (0, 1)
        ]
        rows, columns = (np.clip(places[axis], 0, values.shape[axis] - 1) for axis in (0, 1))
        window = np.nan_to_num(values[np.ix_(rows, columns)], nan=0, posinf=0)
        weights = np.maximum(window, 0) * bells[0][:, None] * bells[1]
        if not (total := weights.sum()) > 0:
            break
        center = np.float32([(weights.sum(1) @ places[0]) / total, (weights.sum(0) @ places[1]) / total])
    return float(center[0]), float(center[1])


def smooth(values: np.ndarray, sigma: float) -> np.ndarray:
    """Smooth a map with a Gaussian, cut at 4 sigma, with the border repeated; 0 leaves it as it is."""
    if not sigma:
        return values
    side = 2 * int(4 * sigma + 0.5) + 1
    return cv2.GaussianBlur(values, (side, side), sigma, borderType=cv2.BORDER_REPLICATE)
