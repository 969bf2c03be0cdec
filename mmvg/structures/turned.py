"""Answers about a picture that was turned upright, in the pixels of its file."""

from dataclasses import fields, replace

import numpy as np

from mmvg.pictures import BACK, turn_upright
from mmvg.structures.answer import Answer, Candidates
from mmvg.structures.grasps import original_to_input_grasps


def turn_matrix(orientation: int, size: tuple[int, int]) -> np.ndarray:
    """Return the homography (3, 3) of :func:`mmvg.pictures.turn_upright`.

    Args:
        orientation: 1 to 8, as EXIF counts.
        size: Height and width of the picture before it is turned.

    Example:
        >>> turn_matrix(6, (40, 60)) @ [10, 5, 1]  # a quarter to the right: x = 40 - 5
        array([35., 10.,  1.])
    """
    height, width = size
    rows = {
        1: ((1, 0, 0), (0, 1, 0)),
        2: ((-1, 0, width), (0, 1, 0)),
        3: ((-1, 0, width), (0, -1, height)),
        4: ((1, 0, 0), (0, -1, height)),
        5: ((0, 1, 0), (1, 0, 0)),
        6: ((0, -1, height), (1, 0, 0)),
        7: ((0, -1, height), (-1, 0, width)),
        8: ((0, 1, 0), (-1, 0, width)),
    }
    return np.array([*rows[orientation], (0, 0, 1)], dtype=np.float64)


def as_stored(answer: Answer, orientation: int) -> Answer:
    """Bring an answer about the upright picture to the pixels that its file stores.

    Args:
        answer: With ``size``, in original pixels.
        orientation: The EXIF orientation of the file.

    Example:
        >>> answer = Answer(0.5, False, boxes=np.array([[30.0, 0, 40, 20]]), size=(60, 40))
        >>> as_stored(answer, 6).boxes, as_stored(answer, 6).size
        (array([[ 0.,  0., 20., 10.]]), (40, 60))
    """
    if orientation == 1 or answer.size is None:
        return answer
    back = BACK[orientation]
    matrix = turn_matrix(back, answer.size)
    height, width = answer.size
    turned = _turned(answer, back, matrix)
    turned.size = (height, width) if orientation < 5 else (width, height)
    if answer.candidates is not None:
        turned.candidates = _turned(answer.candidates, back, matrix)
    return turned


def _turned(part: Answer | Candidates, orientation: int, matrix: np.ndarray) -> Answer | Candidates:
    changes = {}
    for name in (entry.name for entry in fields(part)):
        if (values := getattr(part, name)) is None:
            continue
        if name == 'boxes':
            corners = _moved(values.reshape(-1, 2), matrix).reshape(-1, 2, 2)
            changes[name] = np.concatenate([corners.min(1), corners.max(1)], 1)
        elif name == 'points':
            changes[name] = _moved(values, matrix)
        elif name == 'grasps':
            changes[name] = original_to_input_grasps(values, matrix)
        elif name == 'masks':
            changes[name] = turn_upright(values.transpose(1, 2, 0), orientation).transpose(2, 0, 1)
        elif name in ('mask', 'global_mask'):
            changes[name] = turn_upright(values, orientation)
    return replace(part, **changes)


def _moved(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return (points @ matrix[:2, :2].T + matrix[:2, 2]).astype(points.dtype)
