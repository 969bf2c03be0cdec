"""Annotations of pictures that a camera has turned: from the pixels of the file to the upright picture, and back.

Data sets are in the pixels of the file, whose EXIF orientation is ignored. Label Studio and CVAT show pictures upright,
and so their numbers are those of the upright picture: what reads or writes their files turns them.
"""

import numpy as np

from mmvg.masks import decode_mask, encode_mask
from mmvg.pictures import turn_upright
from mmvg.structures.turned import turn_matrix


def turned_size(width: int, height: int, orientation: int) -> tuple[int, int]:
    """Return width and height of a picture that is turned as an EXIF ``orientation`` says.

    Example:
        >>> turned_size(640, 480, orientation=6)
        (480, 640)
    """
    return (height, width) if orientation >= 5 else (width, height)


def turn_box(box: list[float], width: int, height: int, orientation: int) -> list[float]:
    """Turn ``[x1, y1, x2, y2]`` with a picture.

    Args:
        box: In pixels of the picture before it is turned.
        width: Of the same.
        height: Of the same.
        orientation: As EXIF counts; ``mmvg.pictures.BACK[orientation]`` undoes it.

    Example:
        >>> turn_box([10, 20, 30, 25], width=640, height=480, orientation=3)
        [610.0, 455.0, 630.0, 460.0]
    """
    corners = _moved(box, width, height, orientation)
    return [*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist()]


def turn_mask(mask: list | dict, width: int, height: int, orientation: int) -> list | dict:
    """Turn polygons or an RLE with a picture; see :func:`turn_box`.

    Example:
        >>> turn_mask([[0, 0, 4, 0, 4, 2]], width=4, height=2, orientation=2)
        [[4.0, 0.0, 0.0, 0.0, 0.0, 2.0]]
    """
    if orientation == 1:
        return mask
    if isinstance(mask, dict):
        return encode_mask(turn_upright(decode_mask(mask), orientation))
    return [_moved(polygon, width, height, orientation).reshape(-1).tolist() for polygon in mask]


def _moved(flat: list[float], width: int, height: int, orientation: int) -> np.ndarray:
    """Return the points ``[x0, y0, x1, y1, ...]`` of a turned picture as (N, 2)."""
    matrix = turn_matrix(orientation, (height, width))
    return np.reshape(np.asarray(flat, dtype=float), (-1, 2)) @ matrix[:2, :2].T + matrix[:2, 2]
