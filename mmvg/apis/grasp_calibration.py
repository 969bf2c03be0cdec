"""Hand-eye calibration: where the camera is on the hand, or beside the robot, from views of a board that lies still."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from mmvg.apis.grasp_input import check_rigid

_LEAST_TURN = np.deg2rad(5)  # between views, about a second axis; smaller turns drown in the noise of the board


@dataclass(frozen=True)
class HandEye:
    """A calibration, and how well its views agree.

    Args:
        matrix: (4, 4) from the optical frame of the camera to the hand (or to the base, if the camera is fixed).
        spread: Metres by which the board, or the board on the hand, seems to move between the views: the root of the
            mean square distance from its mean place.
        turn: Radians by which it seems to turn, likewise.
    """

    matrix: np.ndarray
    spread: float
    turn: float


def calibrate_hand_eye(
    hand_to_base: Sequence[np.ndarray], board_to_camera: Sequence[np.ndarray], fixed_camera: bool = False
) -> HandEye:
    """Solve AX = XB for the place of a camera (Park and Martin, 1994, for any number of views).

    Args:
        hand_to_base: Of each view, (4, 4) from the hand to the base, the forward kinematics of the robot, in metres.
        board_to_camera: Of each view, (4, 4) from the board to the optical frame, as ``cv2.solvePnP`` gives it.
        fixed_camera: The camera stands beside the robot and the board is in the hand; otherwise the camera is on the
            hand and the board lies still.

    Raises:
        ValueError: If a matrix is not rigid, there are fewer than three views, or the hand turned about one axis only.

    Example:
        >>> from scipy.spatial.transform import Rotation
        >>> views = np.tile(np.eye(4), (4, 1, 1))  # of a camera that is where the hand is
        >>> views[:, :3, :3] = Rotation.from_rotvec([[0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]]).as_matrix()
        >>> calibrate_hand_eye(views, np.linalg.inv(views)).matrix.round(6).tolist() == np.eye(4).tolist()
        True
    """
    from scipy.spatial.transform import Rotation

    hands, boards = (np.array([check_rigid(matrix) for matrix in views]) for views in (hand_to_base, board_to_camera))
    if len(hands) != len(boards) or len(hands) < 3:
        raise ValueError(
            f'calibration needs three views or more, each with both matrices, not {len(hands)} and {len(boards)}'
        )
    if fixed_camera:
        hands = np.linalg.inv(hands)
    first, second = np.array(list(combinations(range(len(hands)), 2))).T
    moved = np.linalg.inv(hands[second]) @ hands[first]  # A, of the hand
    seen = boards[second] @ np.linalg.inv(boards[first])  # B, of the board in the camera
    turns, seen_turns = (Rotation.from_matrix(part[:, :3, :3]).as_rotvec() for part in (moved, seen))
    if np.linalg.norm(turns, axis=1).max() < _LEAST_TURN or _off_axis(turns) < _LEAST_TURN:
        raise ValueError(
            'the hand turned about one axis only, or hardly: take views that are tilted both ways, and turned'
        )
    rotation = Rotation.align_vectors(turns, seen_turns)[0].as_matrix()
    left = (moved[:, :3, :3] - np.eye(3)).reshape(-1, 3)
    right = (seen[:, :3, 3] @ rotation.T - moved[:, :3, 3]).reshape(-1)
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = rotation, np.linalg.lstsq(left, right, rcond=None)[0]
    places = hands @ matrix @ boards
    rotations = Rotation.from_matrix(places[:, :3, :3])
    off = (rotations.mean().inv() * rotations).magnitude()
    spread = np.linalg.norm(places[:, :3, 3] - places[:, :3, 3].mean(0), axis=1)
    return HandEye(matrix, float(np.sqrt(np.mean(spread**2))), float(np.sqrt(np.mean(off**2))))


def _off_axis(turns: np.ndarray) -> float:
    """The largest turn, in radians, about an axis across the main one, of rotation vectors (N, 3)."""
    main = np.linalg.svd(turns, full_matrices=False)[2][0]
    return float(np.linalg.norm(turns - np.outer(turns @ main, main), axis=1).max())
