"""Find antipodal grasps of a shape on its outline.

A pair of contact points is antipodal when the line between them stays inside the object and leaves it at both ends
within the friction cone of the surface normal there. The jaws must be clear of the object before they close.
"""

from functools import cache

import cv2
import numpy as np

from .shapes import SHAPES

_RESOLUTION = 400  # pixels per unit while searching
_STEP = 8  # outline pixels between two contact points
_WINDOW = 5  # outline pixels to either side that the normal is taken from
FRICTION_CONE = np.deg2rad(32)  # half opening
CONTACT_DISTANCE = (0.1, 0.9)  # least and most, in units of the shape
CLEARANCE = 0.1  # opening of the gripper beyond the distance of the contacts, in units of the shape
JAW = 0.14  # jaw size in units of the shape
_SPACING = 0.12  # smallest distance in centre between two kept grasps (units), unless they cross
_LIMIT = 6


def _raster(contours: tuple[np.ndarray, ...]) -> np.ndarray:
    """Fill contours in unit coordinates, with a border of 20 pixels."""
    mask = np.zeros((_RESOLUTION + 40, _RESOLUTION + 40), np.uint8)
    if contours:
        pixels = [np.round((c + 0.5) * _RESOLUTION + 20).astype(np.int32) for c in contours]
        cv2.fillPoly(mask, pixels, 1)
    return mask


def _look_up(mask: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Read ``mask`` at the pixels nearest to ``points`` (P, 2)."""
    x, y = np.clip(np.round(points).astype(int), 0, len(mask) - 1).T
    return mask[y, x]


def _contacts(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return points (P, 2) along the outline of ``mask`` and unit normals (P, 2) that point outwards."""
    points, normals = [], []
    for contour in cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)[0]:
        line = contour[:, 0].astype(float)
        tangent = np.roll(line, -_WINDOW, axis=0) - np.roll(line, _WINDOW, axis=0)
        normal = np.stack([tangent[:, 1], -tangent[:, 0]], axis=1)
        normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
        probe = np.round(line + 6 * normal).astype(int)
        inside = mask[probe[:, 1], probe[:, 0]] > 0
        points.append(line[::_STEP])
        normals.append(np.where(inside[:, None], -normal, normal)[::_STEP])
    return np.concatenate(points), np.concatenate(normals)


def _antipodal_pairs(mask: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """List pairs of contact points that a gripper can close on, narrow ones first."""
    points, normals = _contacts(mask)
    first, second = np.triu_indices(len(points), 1)
    gap = points[second] - points[first]
    distance = np.linalg.norm(gap, axis=1)
    axis = gap / (distance[:, None] + 1e-9)
    cosine = np.minimum((-axis * normals[first]).sum(1), (axis * normals[second]).sum(1))
    least, most = (limit * _RESOLUTION for limit in CONTACT_DISTANCE)
    keep = (cosine > np.cos(FRICTION_CONE)) & (distance > least) & (distance < most)
    # narrow ones first, and of those the ones that meet the surface squarely
    order = np.argsort(distance[keep] + 200 * (1 - cosine[keep]), kind='stable')
    pairs = []
    for a, b in zip(points[first[keep]][order], points[second[keep]][order], strict=True):
        axis = (b - a) / np.linalg.norm(b - a) * _RESOLUTION
        jaw = np.linspace(-JAW / 2, JAW / 2, 5)[:, None] * (axis[1], -axis[0])
        reach = CLEARANCE / 2 * axis
        between, outside = np.linspace(a, b, 30)[1:-1], np.concatenate([a - reach + jaw, b + reach + jaw])
        if _look_up(mask, between).all() and not _look_up(mask, outside).any():
            pairs.append((a, b))
    return pairs


@cache
def shape_grasps(shape: str, on_handle: bool = False) -> np.ndarray:
    """Find up to six spread grasps of a shape in its unit coordinates.

    Args:
        shape: Key of ``SHAPES``.
        on_handle: Keep the grasps centred on the handle.

    Returns:
        (M, 5) ``[x, y, w, h, theta]``, narrowest first; ``theta`` is the opening axis in radians, counter-clockwise on
        screen. (0, 5) with ``on_handle`` when there is no handle.

    Example:
        >>> shape_grasps('bar').shape, shape_grasps('star', on_handle=True).shape
        ((6, 5), (0, 5))
    """
    outline = SHAPES[shape]
    handle = _raster(outline.handle)
    kept: list[list[float]] = []
    for a, b in _antipodal_pairs(_raster(outline.body) | handle):
        centre = (a + b) / 2
        if on_handle and not handle[int(centre[1]), int(centre[0])]:
            continue
        x, y = (centre - 20) / _RESOLUTION - 0.5
        theta = -np.arctan2(*(b - a)[::-1])
        if all(np.hypot(x - g[0], y - g[1]) > _SPACING or abs(np.sin(theta - g[4])) > 0.5 for g in kept):
            kept.append([x, y, np.linalg.norm(b - a) / _RESOLUTION + CLEARANCE, JAW, theta])
        if len(kept) == _LIMIT:
            break
    return np.array(kept, dtype=float).reshape(-1, 5)
