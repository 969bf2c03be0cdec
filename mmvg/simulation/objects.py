"""What stands on a table, and the camera that looks at it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mmvg.apis.grasp import PinholeCamera

from .kinds import KINDS
from .pieces import Piece


@dataclass(frozen=True, eq=False)
class TableObject:
    """One object.

    Args:
        kind: Key of ``KINDS``; what sentences call it.
        colour: Key of :data:`mmvg.refshapes.attributes.COLOURS`.
        size: ``'small'`` or ``'large'``.
        pattern: ``'plain'``, ``'striped'`` or ``'dotted'``.
        pieces: What it is composed of, in its own frame.
        mass: In kilograms.
        pose: (4, 4) from its frame to that of the table, in metres.
        shade: Brightness factor of the colour.
    """

    kind: str
    colour: str
    size: str
    pattern: str
    pieces: tuple[Piece, ...]
    mass: float
    pose: np.ndarray
    shade: float = 1.0

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of its parts: ``('body',)`` or ``('body', 'handle')``."""
        return ('body', 'handle') if any(piece.part == 'handle' for piece in self.pieces) else ('body',)

    @property
    def rolls(self) -> bool:
        """Whether it needs rolling friction to come to rest."""
        return KINDS[self.kind].rolls

    @cached_property
    def own_points(self) -> np.ndarray:
        """Points (P, 3) on what is solid of it, in its own frame."""
        return np.concatenate([piece.points() for piece in self.pieces if piece.solid])

    def points(self) -> np.ndarray:
        """Points (P, 3) on its surface, in the frame of the table."""
        return self.own_points @ self.pose[:3, :3].T + self.pose[:3, 3]


@dataclass(frozen=True, eq=False)
class SceneCamera:
    """A pinhole camera above the table.

    Args:
        intrinsics: In pixels.
        camera_to_table: (4, 4) from the optical frame (x right, y down, z forward, metres) to the table.
    """

    intrinsics: PinholeCamera
    camera_to_table: np.ndarray

    @property
    def approach(self) -> np.ndarray:
        """(3,) the optical axis in the frame of the table."""
        return self.camera_to_table[:3, 2]

    def to_camera(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 3) of the table in the optical frame."""
        return (points - self.camera_to_table[:3, 3]) @ self.camera_to_table[:3, :3]

    def project(self, points: np.ndarray) -> np.ndarray:
        """Pixels (..., 2) of points (..., 3) of the table; (0, 0) is the centre of the first pixel."""
        seen, k = self.to_camera(points), self.intrinsics
        return seen[..., :2] / seen[..., 2:] * (k.fx, k.fy) + (k.cx, k.cy)

    def resized(self, width: int, height: int) -> 'SceneCamera':
        """The same view with another number of pixels."""
        k = self.intrinsics
        x, y = width / k.width, height / k.height
        intrinsics = PinholeCamera(
            k.fx * x, k.fy * y, (k.cx + 0.5) * x - 0.5, (k.cy + 0.5) * y - 0.5, width=width, height=height
        )
        return SceneCamera(intrinsics, self.camera_to_table)
