"""Grasps from a mask alone: across every narrow place of it, the best first."""

import cv2
import numpy as np

from mmvg.structures import fold_angle

_ANGLES = 16
_RIM = 0.02  # score of a grasp across a rim: less than any other
NO_GRASPS = np.zeros((0, 5)), np.zeros(0)


def mask_to_grasps(
    mask: np.ndarray, jaw: float = 14.0, margin: float = 0.05, most: int = 40
) -> tuple[np.ndarray, np.ndarray]:
    """Grasps across the narrow places of a mask, where both of its edges are square to the opening.

    Unlike :func:`mmvg.structures.grasp_maps.mask_to_grasp`, which gives one across the tightest rectangle, this gives
    many, so that a robot can take the first for which there is room. At the border, short ones across a rim follow,
    for vessels that are wider than the gripper.

    Args:
        mask: Pixels (H, W) of what is to be taken; its largest connected part counts.
        jaw: Width of the jaws in pixels.
        margin: Opening beyond the mask, as a share of it.
        most: How many at most.

    Returns:
        (N, 5) in pixels and scores (N,) in (0, 1], best first.

    Example:
        >>> mask = np.zeros((60, 60), bool)
        >>> mask[10:50, 25:35] = True  # upright: 40 pixels high and 10 wide
        >>> grasps, scores = mask_to_grasps(mask)
        >>> grasps[0].round(1).tolist()
        [29.5, 28.7, 10.5, 14.0, 0.0]
    """
    parts, labels, stats, _ = cv2.connectedComponentsWithStats(np.asarray(mask, dtype=np.uint8))
    if parts < 2:
        return NO_GRASPS
    rows, columns = np.nonzero(labels == 1 + stats[1:, cv2.CC_STAT_AREA].argmax())
    points = np.stack([columns, rows], 1).astype(float)
    middle = points.mean(0)
    spread = np.sqrt(((points - middle) ** 2).sum(1).mean()) + 1
    found = [
        row
        for angle in np.pi * np.arange(_ANGLES) / _ANGLES
        for row in _across(points, middle, spread, float(fold_angle(np.float64(angle))), jaw, margin)
    ]
    best = sorted(found, key=lambda row: -row[5])[:most]
    rows = np.array(best + _rim(points, middle, jaw))
    return rows[:, :5], rows[:, 5]


def _across(
    points: np.ndarray, middle: np.ndarray, spread: float, theta: float, jaw: float, margin: float
) -> list[tuple[float, ...]]:
    """Grasps with one turn, as rows (x, y, w, h, theta, score)."""
    opening, across = np.array([np.cos(theta), -np.sin(theta)]), np.array([np.sin(theta), np.cos(theta)])
    u, v = (points - middle) @ opening, (points - middle) @ across
    rows = []
    for place in np.arange(v.min() + jaw / 3, v.max() - jaw / 3 + 1, max(jaw / 2, 3.0)):
        strips = [np.abs(v - place - shift) <= jaw / 6 for shift in (-jaw / 3, 0.0, jaw / 3)]
        ends = np.array([(u[strip].min(), u[strip].max()) for strip in strips if strip.any()])
        if len(ends) < 3:
            continue
        left, right = ends[:, 0].min(), ends[:, 1].max()
        slant = np.abs(np.diff(ends, axis=0)).max() / (jaw / 3)  # of the worse edge, as a tangent
        width = right - left + 1
        x, y = middle + (left + right) / 2 * opening + place * across
        off = np.hypot((left + right) / 2, place) / spread
        score = max(np.exp(-(slant**2) - 0.3 * off**2 - width / (8 * jaw)), 2 * _RIM)
        rows.append((x, y, width * (1 + margin), jaw, theta, float(score)))
    return rows


def _rim(points: np.ndarray, middle: np.ndarray, jaw: float) -> list[tuple[float, ...]]:
    """Grasps across the border, one finger inside, as rows (x, y, w, h, theta, score)."""
    rows = []
    for angle in 2 * np.pi * np.arange(_ANGLES) / _ANGLES:
        outwards = np.array([np.cos(angle), -np.sin(angle)])
        on_line = np.abs((points - middle) @ [np.sin(angle), np.cos(angle)]) < 1
        if on_line.any():
            x, y = middle + (((points - middle) @ outwards)[on_line].max() - 0.2 * jaw) * outwards
            rows.append((x, y, 1.6 * jaw, jaw, float(fold_angle(np.float64(angle))), _RIM))
    return rows
