"""Colours, textures and lights of a table, all drawn from random numbers."""

from dataclasses import dataclass

import cv2
import numpy as np

from mmvg.refshapes.attributes import COLOURS

TABLE_SIDE = 256  # pixels of the texture of the table
_CUBE_SIDE = 48  # pixels of one of the six sides of the texture of an object
_TABLES = (  # RGB of table tops; none is a colour that objects have
    (150, 116, 82),
    (186, 158, 122),
    (112, 92, 76),
    (138, 138, 134),
    (104, 108, 114),
    (172, 166, 152),
    (126, 132, 118),
    (156, 140, 146),
)
_FIXED = {
    'metal': (150, 152, 156),
    'dark_metal': (92, 94, 100),
    'wood': (96, 62, 34),
    'leaf': (64, 110, 44),
    'white': (226, 224, 218),
}
_SHADES = {'main': 1.0, 'dark': 0.62}


@dataclass(frozen=True)
class Light:
    """One light.

    Args:
        position: (3,) in metres.
        brightness: Of its diffuse light, in [0, 1].
        warmth: RGB factors.
        shadow: Whether it casts shadows.
    """

    position: tuple[float, float, float]
    brightness: float
    warmth: tuple[float, float, float]
    shadow: bool


@dataclass(frozen=True)
class Look:
    """What a table looks like.

    Args:
        table: RGB of the table top, in [0, 255].
        grain: ``'plain'``, ``'cloudy'`` or ``'wood'``.
        contrast: Of the texture, in [0, 1].
        ambient: Light from everywhere, in [0, 1].
        lights: The others.
        shine: How much objects reflect the lights, in [0, 1].
        seed: Of the textures.
    """

    table: tuple[float, float, float]
    grain: str
    contrast: float
    ambient: float
    lights: tuple[Light, ...]
    shine: float
    seed: int


def draw_look(rng: np.random.Generator) -> Look:
    """Draw the look of a table."""
    table = np.array(_TABLES[rng.integers(len(_TABLES))]) * rng.uniform(0.8, 1.12) + rng.uniform(-8, 8, 3)
    angle, radius = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 0.9)
    lights = [
        Light(
            (float(radius * np.cos(angle)), float(radius * np.sin(angle)), float(rng.uniform(1.2, 1.8))),
            float(rng.uniform(0.42, 0.62)),
            tuple(rng.uniform((0.94, 0.94, 0.86), (1.0, 0.98, 1.0)).tolist()),
            shadow=True,
        ),
        Light(tuple(rng.uniform((-1, -1, 1.2), (1, 1, 1.8)).tolist()), float(rng.uniform(0.08, 0.2)), (1, 1, 1), False),
    ]
    return Look(
        table=tuple(np.clip(table, 40, 205).tolist()),
        grain=('plain', 'cloudy', 'wood')[rng.integers(3)],
        contrast=float(rng.uniform(0.1, 0.35)),
        ambient=float(rng.uniform(0.34, 0.46)),
        lights=tuple(lights),
        shine=float(rng.uniform(0.05, 0.45)),
        seed=int(rng.integers(2**31)),
    )


def tint_colour(tint: str, colour: str, shade: float) -> np.ndarray:
    """RGB (3,) in [0, 1] of a piece, from its tint and the colour of its object."""
    if tint in _FIXED:
        return np.array(_FIXED[tint]) / 255
    return np.clip(np.array(COLOURS[colour]) / 255 * shade * _SHADES[tint], 0, 1)


def pattern_colour(colour: str) -> np.ndarray:
    """RGB (3,) in [0, 1] of the stripes or dots on an object: lighter than a dark one, darker than a light one."""
    base = np.array(COLOURS[colour]) / 255
    light = base @ (0.3, 0.59, 0.11)
    return base * 0.45 if light > 0.45 else base + (1 - base) * 0.62


def cube_texture(pattern: str, colour: str, shade: float, tint: str = 'main') -> np.ndarray:
    """The six sides (6 * S, S, 3) uint8 of a striped or dotted object."""
    side = np.zeros((_CUBE_SIDE, _CUBE_SIDE), bool)
    y, x = np.mgrid[:_CUBE_SIDE, :_CUBE_SIDE]
    if pattern == 'striped':
        side[:] = (x // (_CUBE_SIDE // 8)) % 2 == 1
    elif pattern == 'dotted':
        cell = _CUBE_SIDE // 4
        side[:] = np.hypot(x % cell - cell / 2 + 0.5, y % cell - cell / 2 + 0.5) < 0.31 * cell
    base = tint_colour(tint, colour, shade)
    marks = np.clip(pattern_colour(colour) * shade * _SHADES.get(tint, 1.0), 0, 1)
    pixels = np.where(side[..., None], marks, base)
    return np.tile((255 * pixels).round().astype(np.uint8), (6, 1, 1))


def table_texture(look: Look) -> np.ndarray:
    """The table top (S, S, 3) uint8, RGB."""
    rng = np.random.default_rng([look.seed, 1])
    noise = np.zeros((TABLE_SIDE, TABLE_SIDE), np.float32)
    if look.grain != 'plain':
        for cells in (4, 9, 20, 48):
            shape = (cells, cells) if look.grain == 'cloudy' else (cells * 2, max(cells // 6, 2))
            layer = rng.uniform(-1, 1, shape).astype(np.float32)
            noise += cv2.resize(layer, (TABLE_SIDE, TABLE_SIDE), interpolation=cv2.INTER_CUBIC) / cells**0.4
    noise += 0.15 * rng.uniform(-1, 1, noise.shape).astype(np.float32)
    pixels = np.array(look.table) * (1 + look.contrast * 0.6 * noise[..., None])
    return np.clip(pixels, 0, 255).round().astype(np.uint8)
