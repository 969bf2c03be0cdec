import numpy as np
import pytest

from mmvg.simulation.robot.kinematics import HOME, ArmKinematics

pytestmark = pytest.mark.usefixtures('arm')


def downwards(x, y, z, turn=0.0):
    pose = np.eye(4)
    cos, sin = np.cos(turn), np.sin(turn)
    pose[:3, :3] = [[cos, sin, 0], [sin, -cos, 0], [0, 0, -1]]
    pose[:3, 3] = x, y, z
    return pose


@pytest.mark.parametrize('turn', [-1.2, 0.0, 0.9])
def test_joints_that_are_found_lead_to_the_pose_within_their_ranges(turn):
    arm = ArmKinematics()
    pose = downwards(0.55, 0.1, 0.08, turn)
    joints = arm.inverse(pose, HOME)
    assert np.abs(arm.forward(joints) - pose).max() < 2e-3
    assert (joints > arm.ranges[:, 0]).all()
    assert (joints < arm.ranges[:, 1]).all()


@pytest.mark.parametrize('place', [(1.2, 0, 0.1), (0.15, 0, 0.3)], ids=['too far', 'too near'])
def test_a_pose_out_of_reach_has_no_joints(place):
    assert ArmKinematics().inverse(downwards(*place), HOME) is None


def test_a_line_is_straight_and_keeps_the_turn():
    arm = ArmKinematics()
    above, below = downwards(0.5, 0.1, 0.2), downwards(0.5, 0.1, 0.05)
    path = arm.line(above, below, arm.inverse(above, HOME))
    poses = np.stack([arm.forward(joints) for joints in path])
    assert poses[:, :2, 3] == pytest.approx(np.tile([0.5, 0.1], (4, 1)), abs=1e-3)
    assert poses[-1, 2, 3] == pytest.approx(0.05, abs=1e-3)
    assert poses[:, :3, :3] == pytest.approx(np.tile(below[:3, :3], (4, 1, 1)), abs=3e-3)
    assert arm.line(above, downwards(0.5, 0.1, -1.0), arm.inverse(above, HOME)) is None
