"""Masks from polygons as PhraseCut's own scorer draws them, outline included."""

from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image, ImageDraw


def draw_polygons(polygons: Iterable[Sequence[float]], height: int, width: int) -> np.ndarray:
    """Union of flat polygons ``[x0, y0, x1, y1, ...]``, (height, width) bool.

    Coordinates are cut to whole numbers, and the outline belongs to the mask: up to a pixel more at the right and lower
    border than pycocotools fills. Two points make a line, one point makes nothing.
    """
    canvas = Image.new('L', (width, height), 0)
    draw = ImageDraw.Draw(canvas)
    for polygon in polygons:
        if len(polygon) >= 4:
            draw.polygon([int(value) for value in polygon], outline=1, fill=1)
    return np.array(canvas, dtype=bool)
