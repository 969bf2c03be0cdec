"""Grasps of the objects on a table, in image terms, kept only if a floating gripper lifted the object with them.

Candidates are antipodal by construction: each closes on two opposite sides of one piece of an object, across the
optical axis. What the picture, the neighbours, gravity and friction make of them, the trial says.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from mmvg.structures import fold_angle

from .gripper import PAD_WIDTH, STROKE, LiftTrials, finger_pose, optical_points
from .objects import SceneCamera, TableObject
from .pieces import Piece
from .render import TableView

KEPT = 8  # at most, per object and part
TRIALS = 16  # at most, per object and part
_MARGIN = (0.005, 0.010)  # metres between an object and each open finger
_LEAST_MARGIN = 0.003  # metres
_NEAR = 0.004  # metres; a centre that lies farther from every pixel of its object is hidden
_SPACING = 0.012  # metres between two kept grasps, unless they cross
_CROSSING = 0.5  # sine of the angle


class TableGrasp(NamedTuple):
    """A grasp that lifted its object.

    Args:
        grasp: (5,) ``[x, y, w, h, theta]`` in pixels, see :mod:`mmvg.structures.grasps`.
        part: What it closes on, ``'body'`` or ``'handle'``.
    """

    grasp: np.ndarray
    part: str


class Grip(NamedTuple):
    """Two opposite sides of a piece.

    Args:
        centre: (3,) between them, in the frame of the table.
        axis: (3,) unit vector from one to the other.
        width: Their distance in metres.
        part: Of the object.
    """

    centre: np.ndarray
    axis: np.ndarray
    width: float
    part: str


def tried_grasps(
    objects: Sequence[TableObject], camera: SceneCamera, view: TableView, rng: np.random.Generator
) -> list[list[TableGrasp]]:
    """Find grasps of every object of a table, and try each with a floating gripper.

    Args:
        objects: Of the table.
        camera: Of the picture.
        view: The picture; its depth is exact.
        rng: Source of the candidates.

    Returns:
        Per object the grasps that lifted it, those on its body first; none for an object that no grasp lifts.
    """
    points = optical_points(view.depth, camera.intrinsics)
    return [_tried(objects, index, camera, view, points, rng) for index in range(len(objects))]


def grasps_of_object(
    objects: Sequence[TableObject], index: int, camera: SceneCamera, view: TableView, rng: np.random.Generator
) -> list[TableGrasp]:
    """The grasps of one object alone, see :func:`tried_grasps`."""
    return _tried(objects, index, camera, view, optical_points(view.depth, camera.intrinsics), rng)


def _tried(
    objects: Sequence[TableObject],
    index: int,
    camera: SceneCamera,
    view: TableView,
    points: np.ndarray,
    rng: np.random.Generator,
) -> list[TableGrasp]:
    """Grasps that lifted one object."""
    mask = view.mask(index)
    grips = list(grips_of(objects[index], camera.approach, rng))
    trials = None
    kept: list[TableGrasp] = []
    for part in objects[index].parts:
        own = [grip for grip in grips if grip.part == part]
        tried, found = 0, []
        for number in rng.permutation(len(own)):
            if tried == TRIALS or len(found) == KEPT:
                break
            grasp = to_image(own[number], camera, points[mask], rng.uniform(*_MARGIN))
            if grasp is None or any(_alike(own[number], other) for other, _ in found):
                continue
            pose = finger_pose(grasp, view.depth, camera, mask, points=points)
            if pose is None:
                continue
            trials = trials or LiftTrials(objects, index)
            tried += 1
            if trials.try_pose(pose).lifted:
                found.append((own[number], TableGrasp(grasp, part)))
        kept += [grasp for _, grasp in found]
    return kept


def _alike(first: Grip, second: Grip) -> bool:
    """Whether two grips are nearly the same."""
    apart = np.linalg.norm(first.centre - second.centre)
    return bool(apart < _SPACING and np.linalg.norm(np.cross(first.axis, second.axis)) < _CROSSING)


def to_image(grip: Grip, camera: SceneCamera, seen: np.ndarray, margin: float) -> np.ndarray | None:
    """A grip as a grasp (5,) in pixels; None where its centre is hidden, or it is wider than the stroke.

    Args:
        grip: In the frame of the table.
        camera: Of the picture.
        seen: (P, 3) what is seen of the object, in the optical frame.
        margin: Metres between the object and each open finger.
    """
    x, y, _ = camera.to_camera(grip.centre)
    distance = np.hypot(seen[:, 0] - x, seen[:, 1] - y)
    margin = min(margin, (STROKE - grip.width) / 2)
    if margin < _LEAST_MARGIN or not len(seen) or distance.min() > _NEAR:
        return None
    z = seen[distance < max(_NEAR, distance.min()), 2].min()
    k = camera.intrinsics
    axis = grip.axis @ camera.camera_to_table[:3, :3]
    theta = float(fold_angle(np.float64(-np.arctan2(axis[1], axis[0]))))
    scale = (k.fx + k.fy) / 2 / z
    return np.array(
        [k.fx * x / z + k.cx, k.fy * y / z + k.cy, (grip.width + 2 * margin) * scale, PAD_WIDTH * scale, theta]
    )


def seen_from(grasps: np.ndarray, camera: SceneCamera, other: SceneCamera) -> np.ndarray:
    """Grasps (N, 5) in the picture of a camera as they lie in that of another one, which is turned alike.

    How far away each is says its ``h``, which is that of the pads.
    """
    k, moved = camera.intrinsics, grasps.copy()
    z = PAD_WIDTH * (k.fx + k.fy) / 2 / grasps[:, 3]
    seen = np.stack([(grasps[:, 0] - k.cx) / k.fx * z, (grasps[:, 1] - k.cy) / k.fy * z, z], -1)
    points = seen @ camera.camera_to_table[:3, :3].T + camera.camera_to_table[:3, 3]
    moved[:, :2] = other.project(points)
    moved[:, 2:4] *= (z / other.to_camera(points)[:, 2])[:, None]
    return moved


def grips_of(thing: TableObject, approach: np.ndarray, rng: np.random.Generator) -> Iterator[Grip]:
    """Opposite sides of the pieces of an object, across the approach (3,)."""
    for piece in thing.pieces:
        if piece.grip and piece.size:
            turn = thing.pose[:3, :3] @ piece.rotation
            centre = thing.pose[:3, :3] @ piece.position + thing.pose[:3, 3]
            for offset, axis, width in _sides(piece, approach @ turn, rng):
                yield Grip(centre + turn @ offset, turn @ axis, width, piece.part)


def _sides(
    piece: Piece, approach: np.ndarray, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
    """Offset of the centre, axis and width of the grips of a piece, in its own frame."""
    size, axes = np.array(piece.size), np.eye(3)
    if piece.shape == 'ellipsoid':
        for axis in _around(approach, 6, rng):
            width = 2 * float(np.linalg.norm(size * axis))
            if width < 2.3 * size[np.abs(axes @ approach) < 0.9].min():  # contacts of the others lie askew
                yield np.zeros(3), axis, width
        return
    if piece.shape == 'box':
        wall = not piece.seen  # of a vessel: its other sides are inside of the wall
        for i in range(1 if wall else 3):
            across = _across(axes[i], approach, 0.8 if wall else 0.4)
            if across is None:
                continue
            along = next(j for j in np.argsort(np.abs(approach)) if j != i)
            for share in (0.0,) if wall else (rng.uniform(-0.75, -0.3), rng.uniform(-0.2, 0.2), rng.uniform(0.3, 0.75)):
                yield share * size[along] * axes[along], across, 2 * float(size[i])
        return
    radius, half = piece.size
    if abs(approach[2]) > 0.9:  # it stands
        for axis in _around(approach, 6, rng):
            yield np.zeros(3), axis, 2 * radius
    elif abs(approach[2]) < 0.5:
        axis = np.cross(approach, axes[2])
        for share in (-0.75, -0.45, -0.15, 0.15, 0.45, 0.75):
            yield (share + rng.uniform(-0.1, 0.1)) * half * axes[2], axis / np.linalg.norm(axis), 2 * radius


def _across(axis: np.ndarray, approach: np.ndarray, most: float) -> np.ndarray | None:
    """The axis made perpendicular to the approach; None if the cosine between both is more than ``most``."""
    if abs(axis @ approach) > most:
        return None
    across = axis - (axis @ approach) * approach
    return across / np.linalg.norm(across)


def _around(approach: np.ndarray, number: int, rng: np.random.Generator) -> np.ndarray:
    """Unit vectors (number, 3) perpendicular to the approach, spread over half a turn."""
    first = np.cross(approach, np.eye(3)[np.argmin(np.abs(approach))])
    first /= np.linalg.norm(first)
    second = np.cross(approach, first)
    angles = (np.arange(number) + rng.uniform(0, 1)) * np.pi / number
    return np.cos(angles)[:, None] * first + np.sin(angles)[:, None] * second
