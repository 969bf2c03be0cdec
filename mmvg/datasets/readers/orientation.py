"""Pictures that a camera has turned: from the pixels of the file to what a browser shows, and back.

Annotations here are in the pixels of the file, and EXIF is ignored. Label Studio and CVAT show a picture upright, as
its EXIF tag says, and so their numbers are those of the upright picture; what reads or writes their files turns them.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from mmvg.masks import decode_mask, encode_mask

#: Tag of EXIF -> the tag that undoes it.
BACK = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}
_ORIENTATION_TAG = 0x0112


def read_orientation(path: Path) -> int:
    """Return the orientation tag of a picture, 1 to 8; 1, upright, if there is none or the file cannot be read."""
    try:
        with Image.open(path) as picture:
            tag = picture.getexif().get(_ORIENTATION_TAG, 1)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return 1
    return tag if tag in BACK else 1


def turned_size(width: int, height: int, tag: int) -> tuple[int, int]:
    """Return width and height of a picture that is turned as ``tag`` says.

    Example:
        >>> turned_size(640, 480, tag=6)
        (480, 640)
    """
    return (height, width) if tag >= 5 else (width, height)


def turn_points(points: np.ndarray, width: int, height: int, tag: int) -> np.ndarray:
    """Turn points with a picture.

    Args:
        points: (..., 2), x and y in pixels counted from the corner of the picture.
        width: Of the picture before it is turned.
        height: Of the same.
        tag: What EXIF calls the turn; ``BACK[tag]`` undoes it.

    Example:
        >>> turn_points(np.array([10, 20]), width=640, height=480, tag=6)  # a quarter turn, clockwise
        array([460.,  10.])
    """
    x, y = np.moveaxis(np.asarray(points, dtype=float), -1, 0)
    right, below = width - x, height - y
    turned = {1: (x, y), 2: (right, y), 3: (right, below), 4: (x, below)}
    turned |= {5: (y, x), 6: (below, x), 7: (below, right), 8: (y, right)}
    return np.stack(turned[tag], axis=-1)


def turn_box(box: list[float], width: int, height: int, tag: int) -> list[float]:
    """Turn ``[x1, y1, x2, y2]`` with a picture; see :func:`turn_points`.

    Example:
        >>> turn_box([10, 20, 30, 25], width=640, height=480, tag=3)
        [610.0, 455.0, 630.0, 460.0]
    """
    corners = turn_points(np.reshape(box, (2, 2)), width, height, tag)
    return [*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist()]


def turn_mask(mask: list | dict, width: int, height: int, tag: int) -> list | dict:
    """Turn polygons or an RLE with a picture; see :func:`turn_points`.

    Example:
        >>> turn_mask([[0, 0, 4, 0, 4, 2]], width=4, height=2, tag=2)
        [[4.0, 0.0, 0.0, 0.0, 0.0, 2.0]]
    """
    if tag == 1:
        return mask
    if isinstance(mask, list):
        return [turn_points(np.reshape(p, (-1, 2)), width, height, tag).reshape(-1).tolist() for p in mask]
    pixels = decode_mask(mask)
    if tag >= 5:
        pixels = pixels.T
    flips = {2: (1,), 3: (0, 1), 4: (0,), 6: (1,), 7: (0, 1), 8: (0,)}
    return encode_mask(np.ascontiguousarray(np.flip(pixels, flips.get(tag, ()))))
