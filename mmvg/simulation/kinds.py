"""The kinds of objects on a table: how each is composed, how heavy it is, and how it may lie.

Sizes are those of an object of scale 1, in metres. z points up when a vessel stands or a tool lies flat; tools are long
along x, and their handle points to +x.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from .pieces import Piece

_WALLS = 14  # boxes that a round wall is composed of
_QUARTER = np.pi / 2


@dataclass(frozen=True)
class Kind:
    """One kind of object.

    Args:
        build: Draws the pieces of an object of scale 1.
        mass: In kilograms, at scale 1.
        poses: Rotation vector of a resting pose -> weight.
        scales: Size word -> least and largest scale.
        rolls: Needs rolling friction to come to rest.
    """

    build: Callable[[np.random.Generator], list[Piece]]
    mass: float
    poses: dict[tuple[float, float, float], float] = field(default_factory=lambda: {(0.0, 0.0, 0.0): 1.0})
    scales: dict[str, tuple[float, float]] = field(default_factory=lambda: {'small': (0.7, 0.78), 'large': (1.0, 1.1)})
    rolls: bool = False


_UPRIGHT, _INVERTED, _LYING = (0.0, 0.0, 0.0), (np.pi, 0.0, 0.0), (0.0, _QUARTER, 0.0)


def _ball(rng: np.random.Generator) -> list[Piece]:
    return [Piece('ellipsoid', (0.031, 0.031, 0.031))]


def _fruit(rng: np.random.Generator) -> list[Piece]:
    """An apple or a pear: an ellipsoid and a stem."""
    tall = float(rng.uniform(0.85, 1.0))
    radius = float(rng.uniform(0.030, 0.033))
    stem = Piece(
        'cylinder', (0.0028, 0.008), (0.003, 0, radius * tall + 0.005), (0.25, 0.3, 0), tint='wood', solid=False
    )
    leaf = Piece(
        'ellipsoid', (0.011, 0.005, 0.0012), (0.014, 0.0, radius * tall + 0.004), (0, 0.35, 0), tint='leaf', solid=False
    )
    return [Piece('ellipsoid', (radius, radius, radius * tall)), stem, leaf]


def _can(rng: np.random.Generator) -> list[Piece]:
    half = float(rng.uniform(0.036, 0.050))
    rims = [
        Piece('cylinder', (0.026, 0.0010), (0, 0, s * half), tint='metal', solid=False, grip=False) for s in (1, -1)
    ]
    lid = Piece('cylinder', (0.0235, 0.0016), (0, 0, half), tint='dark', solid=False, grip=False)
    tab = Piece('box', (0.009, 0.004, 0.0008), (0.008, 0, half + 0.0022), tint='metal', solid=False, grip=False)
    return [Piece('cylinder', (0.031, half)), *rims, lid, tab]


def _glue(rng: np.random.Generator) -> list[Piece]:
    """A glue stick with a pale cap."""
    half = float(rng.uniform(0.034, 0.040))
    return [
        Piece('cylinder', (0.0145, half), (0, 0, -0.012)),
        Piece('cylinder', (0.0130, 0.013), (0, 0, half + 0.001), tint='white'),
    ]


def _bottle(rng: np.random.Generator) -> list[Piece]:
    radius, half = float(rng.uniform(0.025, 0.029)), float(rng.uniform(0.036, 0.044))
    neck, shoulder = 0.0115, 0.022
    top = half + shoulder + 0.018
    base = ((0, -half), (radius - 0.003, -half), (radius, -half + 0.004), (radius, half))
    seen = (*base, (0.8 * radius, half + 0.5 * shoulder), (neck, half + shoulder), (neck, top), (0, top))
    return [
        Piece('lathe', profile=seen, solid=False),
        Piece('cylinder', (radius, half), seen=False),
        Piece('cylinder', (0.72 * radius, shoulder / 2), (0, 0, half + shoulder / 2), seen=False, grip=False),
        Piece('cylinder', (neck, 0.009), (0, 0, half + shoulder + 0.009), seen=False),
        Piece('cylinder', (0.0130, 0.0075), (0, 0, top - 0.003), tint='white'),
    ]


def _wall(radius: float, half: float, thickness: float, z: float, lean: float = 0.0) -> list[Piece]:
    """A round wall of boxes: middle radius, half height, and the angle by which it leans outwards."""
    width = (radius + np.sin(lean) * half) * np.tan(np.pi / _WALLS) * 1.02
    pieces = []
    for angle in np.arange(_WALLS) * 2 * np.pi / _WALLS:
        turn = _compose((0, 0, angle), (0, lean, 0))
        centre = (radius * np.cos(angle), radius * np.sin(angle), z)
        pieces.append(Piece('box', (thickness / 2, width, half), centre, turn, seen=False))
    return pieces


def _compose(*turns: tuple[float, float, float]) -> tuple[float, float, float]:
    """Rotation vector of several turns, the first one outermost."""
    from scipy.spatial.transform import Rotation

    product = Rotation.identity()
    for turn in turns:
        product = product * Rotation.from_rotvec(turn)
    return tuple(product.as_rotvec().tolist())


def _vessel(top: float, bottom: float, half: float, thickness: float) -> list[Piece]:
    """An open vessel: seen as a mesh of revolution, felt as a floor and a wall of boxes."""
    inside = thickness
    profile = ((0, -half), (bottom, -half), (top, half), (top - inside, half), (bottom - inside, -half + 1.5 * inside),
               (0, -half + 1.5 * inside))  # fmt: skip
    lean = float(np.arctan2(top - bottom, 2 * half))
    length = half / np.cos(lean)
    middle = (top + bottom - thickness / np.cos(lean)) / 2
    floor = Piece('cylinder', (bottom - 0.001, 0.75 * inside), (0, 0, -half + 0.75 * inside), seen=False, grip=False)
    whole = Piece('cylinder', (top, half), solid=False, seen=False)  # which a gripper may close on from outside
    return [Piece('lathe', profile=profile, solid=False), floor, whole, *_wall(middle, length, thickness, 0.0, lean)]


def _bowl(rng: np.random.Generator) -> list[Piece]:
    top = float(rng.uniform(0.046, 0.054))
    return _vessel(top, 0.55 * top, float(rng.uniform(0.017, 0.022)), 0.0045)


def _cup(rng: np.random.Generator) -> list[Piece]:
    top = float(rng.uniform(0.030, 0.034))
    return _vessel(top, float(rng.uniform(0.78, 0.9)) * top, float(rng.uniform(0.036, 0.044)), 0.004)


def _mug(rng: np.random.Generator) -> list[Piece]:
    radius, half = float(rng.uniform(0.029, 0.032)), float(rng.uniform(0.034, 0.041))
    out, thick = float(rng.uniform(0.022, 0.027)), 0.0065
    angles = np.linspace(-_QUARTER, _QUARTER, 6)
    arc = np.stack([radius + 0.003 + out * np.cos(angles), 0 * angles, 0.66 * half * np.sin(angles)], 1)
    return _vessel(radius, radius, half, 0.004) + [_rod(a, b, thick, 'handle') for a, b in pairwise(arc)]


def _rod(start: np.ndarray, stop: np.ndarray, radius: float, part: str) -> Piece:
    """A capsule from ``start`` to ``stop`` in the plane y = 0."""
    step = stop - start
    turn = (0.0, float(np.arctan2(step[0], step[2])), 0.0)
    middle = tuple(((start + stop) / 2).tolist())
    return Piece('capsule', (radius, float(np.linalg.norm(step) / 2)), middle, turn, part=part)


def _block(rng: np.random.Generator) -> list[Piece]:
    return [Piece('box', tuple(rng.uniform((0.024, 0.017, 0.014), (0.034, 0.030, 0.026)).tolist()))]


def _hammer(rng: np.random.Generator) -> list[Piece]:
    half = float(rng.uniform(0.060, 0.072))
    head, thick = float(rng.uniform(0.034, 0.042)), float(rng.uniform(0.0115, 0.014))
    return [
        Piece('box', (0.0125, head, thick), (-half, 0, 0), tint='dark_metal'),
        Piece('capsule', (0.0105, half), (0.004, 0, 0), _LYING, part='handle'),
    ]


def _pan(rng: np.random.Generator) -> list[Piece]:
    top = float(rng.uniform(0.044, 0.050))
    length, half = float(rng.uniform(0.038, 0.046)), 0.0125
    handle = Piece('box', (length, 0.0080, 0.0055), (top + length - 0.004, 0, half - 0.005), part='handle', tint='dark')
    return [*_vessel(top, 0.86 * top, half, 0.0045), handle]


def _screwdriver(rng: np.random.Generator) -> list[Piece]:
    half, shaft = float(rng.uniform(0.034, 0.042)), float(rng.uniform(0.036, 0.046))
    return [
        Piece('capsule', (0.0135, half - 0.008), (half, 0, 0), _LYING, part='handle'),
        Piece('capsule', (0.0042, shaft), (-shaft + 0.004, 0, 0), _LYING, tint='metal', grip=False),
    ]


def _spoon(rng: np.random.Generator) -> list[Piece]:
    half = float(rng.uniform(0.048, 0.058))
    return [
        Piece('ellipsoid', (0.027, 0.0200, 0.0085), (-half - 0.022, 0, 0)),
        Piece('ellipsoid', (0.019, 0.0135, 0.0012), (-half - 0.022, 0, 0.0080), tint='dark', solid=False, grip=False),
        Piece('box', (half, 0.0068, 0.0058), (0.0, 0, -0.001), part='handle'),
    ]


KINDS: dict[str, Kind] = {
    'ball': Kind(_ball, 0.060, rolls=True),
    'fruit': Kind(_fruit, 0.120, rolls=True),
    'can': Kind(_can, 0.180, {_UPRIGHT: 0.7, _LYING: 0.3}, rolls=True),
    'glue': Kind(_glue, 0.030, {_UPRIGHT: 0.2, _LYING: 0.8}, {'small': (0.75, 0.82), 'large': (1.0, 1.15)}, rolls=True),
    'bottle': Kind(_bottle, 0.110, {_UPRIGHT: 0.5, _LYING: 0.5}, rolls=True),
    'bowl': Kind(_bowl, 0.090),
    'cup': Kind(_cup, 0.060, {_UPRIGHT: 0.7, _INVERTED: 0.3}),
    'block': Kind(_block, 0.080, {_UPRIGHT: 0.6, _LYING: 0.2, (_QUARTER, 0.0, 0.0): 0.2}),
    'mug': Kind(_mug, 0.180, {_UPRIGHT: 0.85, _INVERTED: 0.15}, {'small': (0.8, 0.86), 'large': (1.0, 1.1)}),
    'hammer': Kind(_hammer, 0.220, scales={'small': (0.78, 0.85), 'large': (1.0, 1.1)}),
    'pan': Kind(_pan, 0.140, scales={'small': (0.78, 0.85), 'large': (1.0, 1.1)}),
    'screwdriver': Kind(_screwdriver, 0.070, scales={'small': (0.78, 0.85), 'large': (1.0, 1.1)}, rolls=True),
    'spoon': Kind(_spoon, 0.035, scales={'small': (0.78, 0.85), 'large': (1.0, 1.1)}),
}
HANDLED = frozenset({'mug', 'hammer', 'pan', 'screwdriver', 'spoon'})
