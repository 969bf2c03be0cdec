"""Define the outlines of the shapes, in unit coordinates.

x points right, y points down, the origin is the centre of the bounding box. A long shape has a long side of 1, a
compact one of ``COMPACT``. Every shape is a body and, for tools, a handle that touches the body without overlapping it.
"""

from dataclasses import dataclass

import numpy as np

COMPACT = 0.85

Contour = np.ndarray  # (P, 2) float, closed implicitly


@dataclass(frozen=True)
class Shape:
    """Outline of one kind of object.

    Args:
        body: Contours filled with the even-odd rule (the second one of a ring is its hole).
        handle: Contours of the part to hold it by; empty for shapes without such a part.
        turn: Largest rotation in radians, either way, for which the shape keeps its name.
    """

    body: tuple[Contour, ...]
    handle: tuple[Contour, ...] = ()
    turn: float = np.pi


def _points(*xy: tuple[float, float]) -> Contour:
    """Make a contour of corners."""
    return np.array(xy, dtype=float)


def _box(x1: float, y1: float, x2: float, y2: float) -> Contour:
    """Make a rectangle."""
    return _points((x1, y1), (x2, y1), (x2, y2), (x1, y2))


def _arc(x: float, y: float, rx: float, ry: float, start: float = 0.0, stop: float = 2 * np.pi) -> Contour:
    """Make an ellipse, or a part of its outline from angle ``start`` to ``stop`` in radians."""
    angle = np.linspace(start, stop, 40, endpoint=stop - start < 2 * np.pi - 1e-6)
    return np.stack([x + rx * np.cos(angle), y + ry * np.sin(angle)], axis=1)


def _star() -> Contour:
    angle = np.arange(10) * np.pi / 5 - np.pi / 2
    radius = np.where(np.arange(10) % 2 == 0, 0.5, 0.225)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def _cross(arm: float) -> Contour:
    a, e = arm / 2, 0.5
    return _points(
        (-a, -e), (a, -e), (a, -a), (e, -a), (e, a), (a, a), (a, e), (-a, e), (-a, a), (-e, a), (-e, -a), (-a, -a)
    )


def _heart() -> Contour:
    t = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    x = 16 * np.sin(t) ** 3
    y = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))
    return np.stack([x, y], axis=1)


def _mug_handle() -> Contour:
    outer = _arc(0.2, 0.0, 0.3, 0.26, -np.pi / 2, np.pi / 2)
    inner = _arc(0.2, 0.0, 0.17, 0.14, np.pi / 2, -np.pi / 2)
    return np.concatenate([outer, inner])


def _key_shaft() -> Contour:
    return _points(
        (-0.05, -0.07), (0.5, -0.07), (0.5, 0.2), (0.39, 0.2), (0.39, 0.07), (0.3, 0.07), (0.3, 0.17), (0.19, 0.17),
        (0.19, 0.07), (-0.05, 0.07),
    )  # fmt: skip


def _shape(long_side: float, body: list[Contour], handle: list[Contour] | None = None, turn: float = np.pi) -> Shape:
    """Centre the bounding box on the origin and scale its long side to ``long_side``."""
    corners = np.concatenate([*body, *(handle or [])])
    low, high = corners.min(axis=0), corners.max(axis=0)
    scale = long_side / (high - low).max()
    moved = [[(contour - (low + high) / 2) * scale for contour in part] for part in (body, handle or [])]
    return Shape(tuple(moved[0]), tuple(moved[1]), turn)


_UPRIGHT = np.pi / 8

SHAPES: dict[str, Shape] = {
    'disc': _shape(COMPACT, [_arc(0, 0, 1, 1)]),
    'square': _shape(COMPACT, [_box(-1, -1, 1, 1)], turn=_UPRIGHT),
    'triangle': _shape(COMPACT, [_points((0, -0.866), (1, 0.866), (-1, 0.866))], turn=_UPRIGHT),
    'star': _shape(0.95, [_star()]),
    'ring': _shape(COMPACT, [_arc(0, 0, 1, 1), _arc(0, 0, 0.5, 0.5)]),
    'cross': _shape(COMPACT, [_cross(0.36)], turn=_UPRIGHT),
    'heart': _shape(COMPACT, [_heart()], turn=_UPRIGHT),
    'bar': _shape(1.0, [_box(0, 0, 1, 0.27)]),
    'arrow': _shape(
        1.0,
        [_points((0, 0.17), (0.58, 0.17), (0.58, 0), (1, 0.28), (0.58, 0.56), (0.58, 0.39), (0, 0.39))],
    ),
    'ellipse': _shape(1.0, [_arc(0, 0, 1, 0.5)]),
    'hammer': _shape(1.0, [_box(-0.5, -0.34, -0.22, 0.34)], [_box(-0.22, -0.09, 0.5, 0.09)]),
    'mug': _shape(COMPACT, [_box(-0.42, -0.42, 0.2, 0.42)], [_mug_handle()], turn=_UPRIGHT),
    'pan': _shape(1.0, [_arc(-0.22, 0, 0.28, 0.28)], [_box(0.05, -0.08, 0.5, 0.08)]),
    'key': _shape(1.0, [_key_shaft()], [_arc(-0.27, 0, 0.24, 0.24), _arc(-0.27, 0, 0.11, 0.11)]),
}
