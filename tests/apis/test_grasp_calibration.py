"""Views of a board are made of a camera whose place is known."""

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mmvg.apis.grasp_calibration import calibrate_hand_eye


def pose(turn, shift):
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = Rotation.from_rotvec(turn).as_matrix(), shift
    return matrix


CAMERA = pose([0.02, -0.3, 1.57], [0.03, -0.06, 0.05])
BOARD = pose([0, 0.1, 0.4], [0.5, 0.1, 0.0])


def views(count=12, noise=0.0, fixed_camera=False, axes=(1, 1, 1)):
    rng = np.random.default_rng(0)
    hands, boards = [], []
    for _ in range(count):
        hand = pose([np.pi, 0, 0], [0.5, 0.1, 0.5]) @ pose(rng.uniform(-0.5, 0.5, 3) * axes, rng.uniform(-0.1, 0.1, 3))
        seen = np.linalg.inv((np.linalg.inv(hand) if fixed_camera else hand) @ CAMERA) @ BOARD
        hands.append(hand)
        boards.append(pose(rng.normal(0, noise, 3), rng.normal(0, noise / 2, 3)) @ seen)
    return hands, boards


@pytest.mark.parametrize('fixed_camera', [False, True])
@pytest.mark.parametrize('count', [3, 12])
def test_the_place_of_the_camera_is_found(fixed_camera, count):
    found = calibrate_hand_eye(*views(count, fixed_camera=fixed_camera), fixed_camera)
    assert np.allclose(found.matrix, CAMERA, atol=1e-6)
    assert (found.spread, found.turn) == pytest.approx((0, 0), abs=1e-6)


def test_noise_of_half_a_millimetre_is_told_by_the_spread():
    found = calibrate_hand_eye(*views(15, noise=0.001))
    assert np.linalg.norm(found.matrix[:3, 3] - CAMERA[:3, 3]) < 0.001
    assert 0.0003 < found.spread < 0.003
    assert 0.0003 < found.turn < 0.003


@pytest.mark.skipif(not hasattr(cv2, 'calibrateHandEye'), reason='this OpenCV has no calibrateHandEye, as 5.0.0')
def test_opencv_finds_the_same():
    hands, boards = views(15, noise=0.001)
    parts = [
        [m[:3, :3] for m in hands],
        [m[:3, 3] for m in hands],
        [m[:3, :3] for m in boards],
        [m[:3, 3] for m in boards],
    ]
    turn, shift = cv2.calibrateHandEye(*parts, method=cv2.CALIB_HAND_EYE_PARK)
    found = calibrate_hand_eye(hands, boards).matrix
    assert np.allclose(turn, found[:3, :3], atol=1e-3)
    assert np.allclose(shift[:, 0], found[:3, 3], atol=1e-3)


@pytest.mark.parametrize(
    ('given', 'problem'),
    [
        (views(2), 'three views or more'),
        ((views(5)[0], views(4)[1]), 'not 5 and 4'),
        (views(6, axes=(0, 0, 1)), 'one axis only'),
        (views(6, axes=(0.01, 0.01, 0.01)), 'one axis only, or hardly'),
        (([np.eye(3)] * 4, [np.eye(4)] * 4), 'four rows of four'),
    ],
)
def test_views_that_leave_the_camera_open_are_refused(given, problem):
    with pytest.raises(ValueError, match=problem):
        calibrate_hand_eye(*given)
