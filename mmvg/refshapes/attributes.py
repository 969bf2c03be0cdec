"""Attributes of drawn objects (colour, size, fill pattern), and the combinations that are kept for ``testB``."""

from .shapes import SHAPES

# RGB; close to the corners of the colour cube, so that any two stay far apart
COLOURS: dict[str, tuple[int, int, int]] = {
    'red': (222, 30, 34),
    'green': (30, 168, 52),
    'blue': (36, 66, 226),
    'yellow': (248, 222, 40),
    'pink': (244, 92, 196),
    'cyan': (44, 212, 222),
    'white': (246, 246, 246),
    'black': (22, 22, 24),
}

# long side of the object as a fraction of the short side of the canvas
EXTENTS: dict[str, tuple[float, float]] = {'small': (0.22, 0.27), 'large': (0.36, 0.45)}

PATTERNS: dict[str, float] = {'plain': 0.6, 'striped': 0.2, 'dotted': 0.2}  # and how often each is drawn

# (colour, shape) pairs that only testB may show or name: one colour of every shape
HELD_OUT: frozenset[tuple[str, str]] = frozenset(
    (colour, shape)
    for i, colour in enumerate(COLOURS)
    for j, shape in enumerate(SHAPES)
    if (i - 3 * j) % len(COLOURS) == 0
)
