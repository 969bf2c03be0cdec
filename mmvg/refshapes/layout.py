"""Sample scenes: how many objects, of which kind, and where they stand."""

from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import cv2
import numpy as np

from mmvg.checks import check_choice

from .attributes import COLOURS, EXTENTS, HELD_OUT, PATTERNS
from .scene import Scene, SceneObject
from .shapes import SHAPES

MIN_OBJECTS = 3
_TRIES = 40
_BORDER = 2  # pixels between an object and the edge of the canvas


@dataclass(frozen=True)
class SceneSettings:
    """Look of the scenes.

    Args:
        canvases: Widths and heights to choose from, in pixels.
        object_counts: Number of objects wanted -> weight.
        shapes: Names of the shapes that appear, two or more.
        extents: Size -> least and largest long side of an object as a fraction of the short side of the canvas.
        patterns: Fill pattern -> weight.
        overlap: Share of the objects that may cover another one.
        min_visible: Least share of an object, and of its handle, that stays visible.

    Example:
        >>> settings = SceneSettings(canvases=[(64, 64)], shapes=['ring', 'square'])
        >>> scene = sample_scene(np.random.default_rng(0), settings)
        >>> scene.width, {thing.shape for thing in scene.objects} <= {'ring', 'square'}
        (64, True)

    Raises:
        ValueError: If no scene can be drawn so: fewer than three objects or two shapes, a size without an extent or
            with one beyond the canvas, or a share that is none.
    """

    canvases: Sequence[tuple[int, int]] = ((160, 120), (120, 160), (144, 144))
    object_counts: Mapping[int, float] = field(
        default_factory=lambda: {3: 0.2, 4: 0.25, 5: 0.22, 6: 0.15, 7: 0.08, 8: 0.05, 9: 0.03, 10: 0.02}
    )
    shapes: Sequence[str] = tuple(SHAPES)
    extents: Mapping[str, tuple[float, float]] = field(default_factory=lambda: dict(EXTENTS))
    patterns: Mapping[str, float] = field(default_factory=lambda: dict(PATTERNS))
    overlap: float = 0.35
    min_visible: float = 0.6

    def __post_init__(self) -> None:
        if min(self.object_counts, default=0) < MIN_OBJECTS:
            raise ValueError(
                f'object_counts: a scene has {MIN_OBJECTS} objects or more, not {dict(self.object_counts)}'
            )
        for name in self.shapes:
            check_choice('shapes', name, tuple(SHAPES))
        if len(set(self.shapes)) < 2:
            raise ValueError(f'shapes: a scene needs two or more, not {list(self.shapes)}')
        if self.extents.keys() != EXTENTS.keys() or any(not 0 < a <= b < 1 for a, b in self.extents.values()):
            raise ValueError(
                f'extents: {" and ".join(EXTENTS)} need 0 < least <= largest < 1, not {dict(self.extents)}'
            )
        for name in ('overlap', 'min_visible'):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f'{name} must be a share from 0 to 1, not {getattr(self, name)}')


def choose(rng: np.random.Generator, weights: Mapping):
    """Draw one key of ``weights`` with a probability proportional to its value."""
    limits = list(accumulate(weights.values()))
    return list(weights)[bisect(limits, rng.random() * limits[-1], hi=len(limits) - 1)]


def sample_scene(rng: np.random.Generator, settings: SceneSettings | None = None, held_out: bool = False) -> Scene:
    """Draw a scene of 3 to 10 objects.

    Args:
        rng: Source of every decision.
        settings: Look of the scene; that of size ``tiny`` by default.
        held_out: False: combinations of ``HELD_OUT`` never appear. True: at least two objects have one.

    Example:
        >>> scene = sample_scene(np.random.default_rng(0))
        >>> scene.width, scene.height, [(thing.colour, thing.shape) for thing in scene.objects]
        (144, 144, [('black', 'heart'), ('black', 'arrow'), ('green', 'arrow'), ('black', 'bar')])
    """
    settings = settings or SceneSettings()
    while True:
        width, height = settings.canvases[rng.integers(len(settings.canvases))]
        kinds = _sample_kinds(rng, settings, held_out)
        canvas = _Canvas(width, height, settings)
        for index, (colour, shape) in enumerate(kinds):
            canvas.add(rng, colour, shape, prefer_large=0.65 if len(kinds) <= 5 else 0.3)
            if held_out and index == 1 and len(canvas.objects) < 2:
                break
        if len(canvas.objects) >= MIN_OBJECTS:
            return Scene(width, height, tuple(canvas.objects), int(rng.integers(2**31)))


def _sample_kinds(rng: np.random.Generator, settings: SceneSettings, held_out: bool) -> list[tuple[str, str]]:
    """Draw colours and shapes from a small palette, so that both repeat within a scene; held-out ones come first."""
    number = int(choose(rng, settings.object_counts))
    most = min(number, 5)
    while True:
        colours = rng.choice(list(COLOURS), size=rng.integers(2, most + 1), replace=False)
        shapes = rng.choice(
            list(settings.shapes), size=rng.integers(2, min(number, 5, len(settings.shapes)) + 1), replace=False
        )
        pairs = [(str(c), str(s)) for c in colours for s in shapes]
        rare = [pair for pair in pairs if pair in HELD_OUT]
        pool = pairs if held_out else [pair for pair in pairs if pair not in HELD_OUT]
        if len(pool) >= 2 and (rare or not held_out):
            break
    kinds = [rare[i] for i in rng.integers(len(rare), size=2)] if held_out else []
    return kinds + [pool[i] for i in rng.integers(len(pool), size=number - len(kinds))]


class _Canvas:
    """Canvas that keeps count of what is visible while objects are put on top of each other."""

    def __init__(self, width: int, height: int, settings: SceneSettings) -> None:
        self.width, self.height, self.settings = width, height, settings
        self.objects: list[SceneObject] = []
        self.labels = np.full((height, width), -1, np.int32)  # 2i: body of object i, 2i + 1: its handle
        self.areas: list[int] = []  # whole area per label

    def add(self, rng: np.random.Generator, colour: str, shape: str, prefer_large: float) -> None:
        """Put one object on top if a place can be found; a large one that does not fit becomes a small one."""
        pattern = choose(rng, self.settings.patterns)
        shade = float(rng.uniform(0.92, 1.06))
        may_overlap = rng.random() < self.settings.overlap
        turn = SHAPES[shape].turn
        for size in ('large', 'small') if rng.random() < prefer_large else ('small',):
            extent = rng.uniform(*self.settings.extents[size]) * min(self.width, self.height)
            for _ in range(_TRIES):
                x, y = rng.uniform(0, self.width), rng.uniform(0, self.height)
                thing = SceneObject(shape, colour, size, pattern, x, y, extent, float(rng.uniform(-turn, turn)), shade)
                if self._put(thing, may_overlap):
                    return

    def _put(self, thing: SceneObject, may_overlap: bool) -> bool:
        """Put ``thing`` on top if enough of everything stays visible, and tell whether it does."""
        outline = np.concatenate(thing.body() + thing.handle())
        low, high = outline.min(0), outline.max(0)
        if low.min() < _BORDER or (high > (self.width - _BORDER, self.height - _BORDER)).any():
            return False
        after = self.labels.copy()
        label = 2 * len(self.objects)
        for number, contours in ((label, thing.body()), (label + 1, thing.handle())):
            if contours:
                cv2.fillPoly(after, [np.round(c * 16 - 8).astype(np.int32) for c in contours], number, shift=4)
        new = after != self.labels
        covered = self.labels[new]
        if (covered >= 0).any() and not may_overlap:
            return False
        visible = np.bincount(after[after >= 0], minlength=label + 2)
        areas = np.array([*self.areas, visible[label], visible[label + 1]])
        share = np.where(areas > 0, visible / np.maximum(areas, 1), 1.0)
        whole = visible.reshape(-1, 2).sum(1) / areas.reshape(-1, 2).sum(1)
        if min(share.min(), whole.min()) < self.settings.min_visible:
            return False
        self.objects.append(thing)
        self.labels, self.areas = after, areas.tolist()
        return True
