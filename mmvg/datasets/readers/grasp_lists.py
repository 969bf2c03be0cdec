"""Grasps as data files list them, and what of them can be used."""

from math import pi
from pathlib import Path
from typing import Any

import numpy as np

from mmvg.datasets.readers.load_report import LoadReport
from mmvg.structures import corners_to_grasps, fold_angle, usable_grasps


def read_corner_lists(grasps: Any) -> tuple[np.ndarray, int]:
    """Turn rectangles as lists of corners, N x 4 x 2 or one 4 x 2, into grasps.

    Those that are not 4 x 2 finite numbers, or have a side without length, are left out. Rectangles outside of the
    image are legal.

    Returns:
        Grasps (M, 5) float32, and how many were left out.
    """
    if not isinstance(grasps, list):
        return np.zeros((0, 5), np.float32), int(grasps is not None)
    corners = _numbers(grasps)
    if corners is None or corners.ndim != 3 or corners.shape[1:] != (4, 2):  # not the usual clean list
        grasps = [grasps] if _numbers(grasps, (4, 2)) is not None else grasps
        read = [_numbers(grasp, (4, 2)) for grasp in grasps]
        corners = np.array([corner for corner in read if corner is not None]).reshape(-1, 4, 2)
    found = _usable(corners_to_grasps(corners))
    return found, len(grasps) - len(found)


def read_grasp_rows(rows: np.ndarray) -> tuple[np.ndarray, int]:
    """Turn rows ``[quality, x, y, w, h, theta]`` of Grasp-Anything, N x 6, into grasps.

    ``theta`` of the file is in degrees and clockwise on screen. Anything but N x 6 numbers is an empty list.

    Returns:
        Grasps (M, 5) float32, and how many were left out.
    """
    rows = np.asarray(rows)
    if rows.ndim != 2 or rows.shape[1] != 6 or rows.dtype.kind not in 'iuf':
        return np.zeros((0, 5), np.float32), len(rows) if rows.ndim else 1
    found = rows[:, 1:].astype(np.float64)
    found[:, 4] = fold_angle(-np.deg2rad(found[:, 4]))
    found = _usable(found)
    return found, len(rows) - len(found)


def read_grasp_list(grasps: Any) -> tuple[np.ndarray, int]:
    """Turn ``[[x, y, w, h, theta], ...]``, as :mod:`mmvg.structures.grasps` has them, into an array.

    Those that are not five finite numbers, or have a side without length, are left out.

    Returns:
        Grasps (M, 5) float32, and how many were left out.
    """
    if not isinstance(grasps, list):
        return np.zeros((0, 5), np.float32), int(grasps is not None)
    read = [_numbers(grasp, (5,)) for grasp in grasps]
    found = np.array([grasp for grasp in read if grasp is not None]).reshape(-1, 5)
    found[:, 4] = fold_angle(found[:, 4])
    found = _usable(found)
    return found, len(grasps) - len(found)


def read_line_grasps(value: Any, has_targets: bool, file: Path, where: str, report: LoadReport) -> np.ndarray:
    """Read ``grasps`` of a line of JSON, see :func:`read_grasp_list`.

    Args:
        value: What the line has.
        has_targets: Whether the line means anything.
        file: The file.
        where: Which line.
        report: Counts what is left out.

    Returns:
        Grasps (M, 5) float32.

    Raises:
        DataError: If a line that means nothing has some, one of them cannot be used, or is turned by degrees.
    """
    grasps, left_out = read_grasp_list(value)
    if left_out:
        report.problem('grasp that is no rectangle', file, f'{where}: {left_out} of its grasps', 'it is left out')
    if len(grasps) and not has_targets:
        report.fail('grasps where nothing is meant', file, where)
    turns = [row[4] for row in value if _numbers(row, (5,)) is not None] if isinstance(value, list) else []
    if (largest := max(map(abs, turns), default=0)) > 2 * pi:
        report.fail('grasp turned by degrees', file, f'{where}: an angle of {largest:g} is not in radians')
    return grasps


def _usable(grasps: np.ndarray) -> np.ndarray:
    with np.errstate(over='ignore'):  # what float32 cannot hold becomes infinite, and is left out
        grasps = grasps.astype(np.float32)
    return grasps[usable_grasps(grasps)]


def _numbers(value: Any, shape: tuple[int, ...] | None = None) -> np.ndarray | None:
    """Turn nested lists of numbers into a float64 array; None if they are uneven or not of ``shape``."""
    try:
        array = np.array(value)
    except ValueError:  # lists of unequal length
        return None
    if array.dtype.kind not in 'iuf' or shape not in (None, array.shape):
        return None
    return array.astype(np.float64)
