"""Draw tables: which objects there are, where they are put down, and from where they are seen."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from mmvg.apis.grasp import PinholeCamera
from mmvg.checks import check_choice
from mmvg.refshapes.attributes import COLOURS, PATTERNS
from mmvg.refshapes.layout import choose

from .appearance import draw_look
from .kinds import KINDS
from .objects import SceneCamera, TableObject
from .scene import LAYOUTS, TableScene
from .settling import settle, visible_shares

COUNTS = {  # number of objects wanted -> weight
    'isolated': {1: 0.6, 2: 0.4},
    'scattered': {3: 0.2, 4: 0.25, 5: 0.2, 6: 0.15, 7: 0.12, 8: 0.08},
    'cluttered': {5: 0.15, 6: 0.2, 7: 0.2, 8: 0.15, 9: 0.1, 10: 0.08, 11: 0.06, 12: 0.06},
}
_LAYOUT_WEIGHTS = {'isolated': 0.15, 'scattered': 0.5, 'cluttered': 0.35}
GAPS = {'isolated': 0.09, 'scattered': 0.03, 'cluttered': 0.004}  # metres between objects that are put down
MIN_VISIBLE = 0.6  # share of an object that is not covered by others
_CELL = 0.004  # metres; of the grid in which places are looked for
_BORDER = 6  # pixels of 320 between an object and the edge of the picture
_TRIES = 40  # places for one object
_TABLES = 200
_WIDTH, _HEIGHT = 320, 240
_WIDTHS = (160, 4096)  # least and largest: where grasps are still found, and what renderers have memory for


def draw_table(
    seed: int | Sequence[int],
    layout: str | None = None,
    kinds: Sequence[str] = (),
    size: tuple[int, int] = (_WIDTH, _HEIGHT),
) -> TableScene:
    """Draw a table; the same arguments give the same one.

    Args:
        seed: Any non-negative integer, or several.
        layout: ``'isolated'`` (one or two objects far apart), ``'scattered'`` (three to eight that do not touch) or
            ``'cluttered'`` (five to twelve, pushed together); drawn by default.
        kinds: Keys of ``KINDS`` of the first objects; the others are drawn.
        size: Width and height of its pictures in pixels, see :func:`check_size`.

    Raises:
        ValueError: Unknown layout or kind, more kinds than there is room for, or a size that is not allowed.
        ImportError: If MuJoCo is not installed.

    Example:
        >>> scene = draw_table(7, layout='scattered', kinds=['mug'])
        >>> scene.layout, len(scene.objects), scene.objects[0].kind, scene.objects[0].parts
        ('scattered', 4, 'mug', ('body', 'handle'))
    """
    for kind in kinds:
        check_choice('kinds', kind, tuple(KINDS))
    if layout is not None:
        check_choice('layout', layout, LAYOUTS)
    check_size(size)
    fitting = [name for name in LAYOUTS if layout in (None, name) and len(kinds) <= max(COUNTS[name])]
    if not fitting:
        most = max(max(COUNTS[name]) for name in (LAYOUTS if layout is None else [layout]))
        raise ValueError(f'{len(kinds)} kinds are too many: {layout or "a"} table has {most} objects at most')
    rng = np.random.default_rng(seed)
    chosen = layout or choose(rng, {name: _LAYOUT_WEIGHTS[name] for name in fitting})
    for _ in range(_TABLES):
        camera = draw_camera(rng)
        things = settle(_put_down(rng, chosen, kinds, camera), squeeze=chosen == 'cluttered')
        things = _uncovered([thing for thing in things or () if _is_in_place(thing, camera)], camera)
        asked = [thing.kind for thing in things[: len(kinds)]] == list(kinds)
        if asked and len(things) >= min(COUNTS[chosen]):
            return TableScene(tuple(things), camera.resized(*size), draw_look(rng), chosen)
    raise ValueError(f'no {chosen} table has room for {", ".join(kinds)}: ask for fewer kinds')


def check_size(size: tuple[int, int]) -> None:
    """Check the size (width, height) in pixels of pictures of a table, whose cameras are drawn for 4:3.

    Raises:
        ValueError: If it is not 4:3, or narrower than 160 or wider than 4,096 pixels.
    """
    width, height = size
    if 3 * width != 4 * height or not _WIDTHS[0] <= width <= _WIDTHS[1]:
        least, most = _WIDTHS
        raise ValueError(
            f'pictures of {width} x {height} pixels: width and height must be as 4 to 3, and the width {least} to '
            f'{most} pixels, such as 320x240 or 640x480'
        )


def draw_camera(rng: np.random.Generator) -> SceneCamera:
    """Draw a camera 0.45 to 0.75 m above the table, tilted by up to 15 degrees and turned by up to 10."""
    height, across = rng.uniform(0.45, 0.75), rng.uniform(0.42, 0.56)
    tilt, towards, roll = np.deg2rad((rng.uniform(0, 15), rng.uniform(0, 360), rng.uniform(-10, 10)))
    axis = (np.sin(towards), -np.cos(towards), 0.0)
    down = np.diag([1.0, -1.0, -1.0])  # x right, y towards the front of the table, z down
    turn = (Rotation.from_rotvec(tilt * np.array(axis)) * Rotation.from_rotvec((0, 0, roll))).as_matrix() @ down
    middle = np.array([*rng.uniform(-0.03, 0.03, 2), 0.0])
    pose = np.eye(4)
    pose[:3, :3] = turn
    pose[:3, 3] = middle - height / -turn[2, 2] * turn[:, 2]
    focal = _WIDTH * height / across
    x, y = rng.uniform(-4, 4, 2)
    intrinsics = PinholeCamera(
        focal, focal * rng.uniform(0.99, 1.01), (_WIDTH - 1) / 2 + x, (_HEIGHT - 1) / 2 + y, _WIDTH, _HEIGHT
    )
    return SceneCamera(intrinsics, pose)


def _put_down(rng: np.random.Generator, layout: str, kinds: Sequence[str], camera: SceneCamera) -> list[TableObject]:
    """Put objects down beside one another, each where the camera sees all of it."""
    number = max(int(choose(rng, COUNTS[layout])), len(kinds))
    palette = rng.choice(list(COLOURS), size=min(rng.integers(2, 6), len(COLOURS)), replace=False)
    pool = rng.choice(list(KINDS), size=min(max(number - 1, 2), len(KINDS)), replace=False)
    names = [*kinds, *(str(pool[i]) for i in rng.integers(len(pool), size=number - len(kinds)))]
    ground = _Ground(GAPS[layout])
    things: list[TableObject] = []
    for name in names:
        colour = str(palette[rng.integers(len(palette))])
        for size in ('large', 'small') if rng.random() < 0.5 else ('small',):
            thing = _draw_object(rng, name, colour, size)
            placed = next((found for _ in range(_TRIES) if (found := _try_place(rng, thing, camera, ground))), None)
            if placed:
                things.append(placed)
                break
    return things


def _draw_object(rng: np.random.Generator, name: str, colour: str, size: str) -> TableObject:
    """Draw an object in one of its resting poses, on the table at the origin."""
    kind = KINDS[name]
    scale = float(rng.uniform(*kind.scales[size]))
    pieces = tuple(piece.scaled(scale) for piece in kind.build(rng))
    turn = Rotation.from_rotvec(choose(rng, kind.poses)).as_matrix()
    pose = np.eye(4)
    pose[:3, :3] = turn
    mass = float(np.clip(kind.mass * scale**3 * rng.uniform(0.85, 1.15), 0.02, 0.3))
    pattern = choose(rng, {**PATTERNS, 'plain': 1.2})
    return TableObject(name, colour, size, pattern, pieces, mass, pose, shade=float(rng.uniform(0.94, 1.05)))


def _try_place(
    rng: np.random.Generator, thing: TableObject, camera: SceneCamera, ground: '_Ground'
) -> TableObject | None:
    """Try one place and turn; None where it is taken or out of the picture."""
    pose = np.eye(4)
    turn = Rotation.from_rotvec((0, 0, rng.uniform(-np.pi, np.pi))).as_matrix()
    pose[:3, :3] = turn @ thing.pose[:3, :3]
    pose[:2, 3] = rng.uniform((-0.24, -0.18), (0.24, 0.18))
    pose[2, 3] = 0.001 - (thing.own_points @ pose[:3, :3].T)[:, 2].min()
    moved = replace(thing, pose=pose)
    if not _is_in_picture(moved, camera) or not ground.take(moved.points()[:, :2]):
        return None
    return moved


def _is_in_picture(thing: TableObject, camera: SceneCamera) -> bool:
    pixels, k = camera.project(thing.points()), camera.intrinsics
    low, high = pixels.min(0), pixels.max(0)
    return bool((low > _BORDER).all() and (high < (k.width - _BORDER, k.height - _BORDER)).all())


def _is_in_place(thing: TableObject, camera: SceneCamera) -> bool:
    """Whether it lies in the picture, on the table and not on another object."""
    heights = thing.points()[:, 2]
    return _is_in_picture(thing, camera) and -0.01 < heights.min() < 0.006


def _uncovered(things: list[TableObject], camera: SceneCamera) -> list[TableObject]:
    """Take away objects that others cover, one at a time, until enough is seen of every one that is left."""
    while things:
        shares = visible_shares(things, camera)
        if shares.min() >= MIN_VISIBLE:
            break
        left = [thing for index, thing in enumerate(things) if index != np.argmin(shares)]
        things = [thing for thing in (left and settle(left)) or () if _is_in_place(thing, camera)]
    return things


class _Ground:
    """What of the table is taken: a grid that footprints are drawn in."""

    def __init__(self, gap: float) -> None:
        self.taken = np.zeros((round(0.6 / _CELL), round(0.8 / _CELL)), np.uint8)
        self.radius = max(round(gap / _CELL), 1)

    def take(self, points: np.ndarray) -> bool:
        """Take the hull of points (P, 2) if it and the gap around it are free, and tell whether they were."""
        cells = points / _CELL + np.array(self.taken.shape[::-1]) / 2
        mask = np.zeros_like(self.taken)
        hull = cv2.convexHull(cells.round().astype(np.int32))
        cv2.fillConvexPoly(mask, hull, 1)
        wide = cv2.polylines(mask.copy(), [hull], True, 1, thickness=2 * self.radius)
        if (wide & self.taken).any():
            return False
        self.taken |= mask
        return True
