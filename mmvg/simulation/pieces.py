"""Pieces that objects are composed of: primitives that touch, and meshes of revolution that are only seen."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy.spatial.transform import Rotation

_SEGMENTS = 28  # of a mesh of revolution


@dataclass(frozen=True)
class Piece:
    """One convex piece, or a mesh of revolution about its z axis.

    Args:
        shape: ``'box'``, ``'cylinder'``, ``'capsule'``, ``'ellipsoid'`` or ``'lathe'``.
        size: In metres, as MuJoCo has them: half lengths of a box and radii of an ellipsoid (3), radius and half length
            of a cylinder or capsule (2); nothing for a lathe.
        position: (3,) of its centre in the frame of the object, in metres.
        turn: (3,) rotation vector in the frame of the object, in radians.
        part: ``'body'`` or ``'handle'``.
        tint: ``'main'``, the colour of the object; ``'dark'``, a shade of it; or ``'metal'``, ``'dark_metal'``,
            ``'wood'``, ``'leaf'`` and ``'white'``, whatever the object.
        solid: Takes part in contacts, and has mass.
        seen: Is rendered.
        profile: (P, 2) radius and z of a lathe, from the lowest point on the outside over the top to the inside.
        grip: May be closed on by a gripper.
    """

    shape: str
    size: tuple[float, ...] = ()
    position: tuple[float, float, float] = (0.0, 0.0, 0.0)
    turn: tuple[float, float, float] = (0.0, 0.0, 0.0)
    part: str = 'body'
    tint: str = 'main'
    solid: bool = True
    seen: bool = True
    profile: tuple[tuple[float, float], ...] = ()
    grip: bool = True

    @property
    def volume(self) -> float:
        """Cubic metres."""
        size = self.size
        if self.shape == 'box':
            return 8 * size[0] * size[1] * size[2]
        if self.shape == 'ellipsoid':
            return 4 / 3 * np.pi * size[0] * size[1] * size[2]
        if self.shape == 'cylinder':
            return 2 * np.pi * size[0] ** 2 * size[1]
        if self.shape == 'capsule':
            return np.pi * size[0] ** 2 * (2 * size[1] + 4 / 3 * size[0])
        return 0.0

    @property
    def rotation(self) -> np.ndarray:
        """(3, 3) from the frame of the piece to that of the object."""
        return Rotation.from_rotvec(self.turn).as_matrix()

    def scaled(self, factor: float) -> 'Piece':
        """The same piece, ``factor`` times as large."""
        return replace(
            self,
            size=tuple(factor * value for value in self.size),
            position=tuple(factor * value for value in self.position),
            profile=tuple((factor * r, factor * z) for r, z in self.profile),
        )

    def points(self) -> np.ndarray:
        """Points (P, 3) on its surface, in the frame of the object."""
        return self._own_points() @ self.rotation.T + self.position

    def _own_points(self) -> np.ndarray:
        if self.shape == 'lathe':
            return lathe_mesh(self.profile, segments=12)[0]
        if self.shape == 'box':
            grid = np.stack(np.meshgrid(*3 * [[-1.0, 0.0, 1.0]], indexing='ij'), -1).reshape(-1, 3)
            return grid * self.size
        if self.shape == 'ellipsoid':
            return _sphere() * self.size
        radius, half = self.size
        if self.shape == 'capsule':
            ball = _sphere() * radius
            return ball + np.where(ball[:, 2:] >= 0, half, -half) * (0, 0, 1)
        angle = np.arange(12) * np.pi / 6
        ring = np.stack([np.cos(angle), np.sin(angle)], 1) * radius
        levels = [
            np.column_stack([share * ring, np.full(12, z * half)]) for z, share in ((-1, 1), (0, 1), (1, 1), (1, 0.5))
        ]
        return np.concatenate(levels)


def _sphere() -> np.ndarray:
    """Points (P, 3) spread over the unit sphere, its six poles among them."""
    number = 40
    z = 1 - (2 * np.arange(number) + 1) / number
    angle = np.pi * (3 - 5**0.5) * np.arange(number)
    radius = np.sqrt(1 - z**2)
    spread = np.stack([radius * np.cos(angle), radius * np.sin(angle), z], 1)
    return np.concatenate([spread, np.eye(3), -np.eye(3)])


def lathe_mesh(profile: tuple[tuple[float, float], ...], segments: int = _SEGMENTS) -> tuple[np.ndarray, np.ndarray]:
    """Turn a profile about z: vertices (V, 3) and triangles (F, 3), counter-clockwise seen from outside.

    Example:
        >>> vertices, triangles = lathe_mesh(((0, 0), (1, 0), (1, 2), (0, 2)), segments=8)
        >>> vertices.shape, triangles.shape  # two poles, two rings of eight
        ((18, 3), (32, 3))
    """
    angle = np.arange(segments) * 2 * np.pi / segments
    circle = np.stack([np.cos(angle), np.sin(angle)], 1)
    vertices: list[np.ndarray] = []
    rings: list[np.ndarray] = []  # indices (segments,) of each ring; a pole repeats its one index
    count = 0
    for radius, z in profile:
        if radius < 1e-9:
            vertices.append(np.array([[0.0, 0.0, z]]))
            rings.append(np.full(segments, count))
            count += 1
        else:
            vertices.append(np.column_stack([radius * circle, np.full(segments, z)]))
            rings.append(count + np.arange(segments))
            count += segments
    faces = []
    for low, high in pairwise(rings):
        after_low, after_high = np.roll(low, -1), np.roll(high, -1)
        if low[0] != low[1]:
            faces.append(np.stack([low, after_low, high], 1))
        if high[0] != high[1]:
            faces.append(np.stack([after_low, after_high, high], 1))
    return np.concatenate(vertices), np.concatenate(faces)
