"""Describe a scene before it is drawn: what stands where, back to front."""

import math
from dataclasses import dataclass

import numpy as np

from .grasps import shape_grasps
from .shapes import SHAPES, Contour


@dataclass(frozen=True)
class SceneObject:
    """One object and its pose.

    Args:
        shape: Key of ``SHAPES``.
        colour: Key of ``COLOURS``.
        size: Key of ``EXTENTS``.
        pattern: Key of ``PATTERNS``.
        x, y: Centre in pixels; pixel (0, 0) covers [0, 1) x [0, 1).
        extent: Length of one unit of the shape in pixels.
        angle: Rotation in radians, counter-clockwise on screen.
        shade: Brightness factor of the colour.

    Example:
        >>> hammer = SceneObject('hammer', 'red', 'large', 'plain', x=80, y=60, extent=50, angle=0.3)
        >>> hammer.grasps().shape, hammer.grasps(on_handle=True).shape  # (M, 5)
        ((6, 5), (5, 5))
    """

    shape: str
    colour: str
    size: str
    pattern: str
    x: float
    y: float
    extent: float
    angle: float
    shade: float = 1.0

    def to_pixels(self, points: np.ndarray) -> np.ndarray:
        """Map unit coordinates (P, 2) of the shape to pixels."""
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        turn = np.array([[cos, -sin], [sin, cos]])  # for row vectors, y down
        return self.extent * points @ turn + (self.x, self.y)

    def body(self) -> list[Contour]:
        """Return contours (P, 2) of the body in pixels."""
        return [self.to_pixels(contour) for contour in SHAPES[self.shape].body]

    def handle(self) -> list[Contour]:
        """Return contours (P, 2) of the handle in pixels; empty without one."""
        return [self.to_pixels(contour) for contour in SHAPES[self.shape].handle]

    def grasps(self, on_handle: bool = False) -> np.ndarray:
        """Return antipodal grasps (M, 5), ``[x, y, w, h, theta]``.

        Pixels, and radians of the opening axis counter-clockwise on screen in (-pi/2, pi/2]. ``on_handle`` keeps those
        whose centre is on the handle; (0, 5) for a shape without one.
        """
        unit = shape_grasps(self.shape, on_handle)
        grasps = np.empty_like(unit)
        grasps[:, :2] = self.to_pixels(unit[:, :2])
        grasps[:, 2:4] = unit[:, 2:4] * self.extent
        theta = np.mod(unit[:, 4] + self.angle + np.pi / 2, np.pi) - np.pi / 2
        grasps[:, 4] = np.where(theta <= -np.pi / 2 + 1e-9, np.pi / 2, theta)
        return grasps


@dataclass(frozen=True)
class Scene:
    """Objects on a canvas.

    Args:
        width: Of the canvas, in pixels.
        height: Of the canvas, in pixels.
        objects: From back to front.
        seed: Fixes the background.

    Example:
        >>> ring = SceneObject('ring', 'red', 'large', 'plain', x=80, y=60, extent=50, angle=0)
        >>> Scene(160, 120, (ring,), seed=0).short_side
        120
    """

    width: int
    height: int
    objects: tuple[SceneObject, ...]
    seed: int

    @property
    def short_side(self) -> int:
        """Smaller one of width and height."""
        return min(self.width, self.height)
