import numpy as np
import pytest

from mmvg.apis import GraspPose, PinholeCamera
from mmvg.simulation.robot.model import PAD_LENGTH
from mmvg.simulation.robot.outcome import Outcome
from mmvg.simulation.robot.plan import REACH, Cloud, PlanError, centre, first_plan, gripper_pose

DOWN = np.diag([1.0, -1.0, -1.0])  # opens along x


def pose_at(x, y, z, opening=0.05):
    return GraspPose(np.array([x, y, z]), DOWN, opening, 0.02, 1.0, 'base')


def block(x, width, top, length=0.1):
    """Points on the upper side of a block across y."""
    across, along = np.meshgrid(
        np.arange(x - width / 2, x + width / 2 + 1e-9, 0.002), np.arange(-length, length, 0.002)
    )
    return np.stack([across.ravel(), along.ravel(), np.full(across.size, top)], 1)


def cloud(*parts, eye=(0.0, 0, 0.6)):
    points = np.concatenate(parts)
    return Cloud(points, np.ones(len(points), bool), np.array(eye), table=0.0)


def test_points_are_read_from_depth_without_the_table():
    camera = PinholeCamera(100, 100, 9.5, 9.5, 20, 20)
    down = np.eye(4)
    down[:3, :3], down[:3, 3] = DOWN, (0, 0, 0.5)
    depth = np.full((20, 20), 0.5, np.float32)
    depth[8:12, 8:12], depth[9, 9] = 0.45, 0
    seen = Cloud.from_depth(depth, camera, down, table=0.0)
    assert len(seen.points) == 15
    assert seen.points[:, 2] == pytest.approx(0.05)


def test_a_grasp_moves_to_the_middle_of_what_is_between_the_pads():
    moved = centre(pose_at(0.006, 0, 0.05), 0.06, cloud(block(0.0, 0.04, 0.05)))
    assert moved.position == pytest.approx([0, 0, 0.05], abs=1e-3)


def test_a_grasp_follows_the_ray_of_its_pixel_down():
    slanted = cloud(np.zeros((0, 3)), eye=(-0.5, 0, 0.55))  # nothing between the pads: only the ray counts
    moved = centre(pose_at(0, 0, 0.05), 0.06, slanted)
    assert moved.position[0] == pytest.approx(REACH, abs=1e-3)  # the ray descends by 45 degrees


def test_a_grasp_of_a_vessel_is_put_where_its_rim_is_seen_and_not_its_floor():
    turn = np.linspace(0, 2 * np.pi, 200)
    rim = np.stack([0.03 * np.cos(turn), 0.03 * np.sin(turn), np.full(200, 0.08)], 1)
    eye = np.array([0.0, -0.4, 0.5])
    middle = np.array([0, 0, 0.08 - REACH])  # where the pads are to close, and the ray to it goes on to the floor
    floor = eye + (middle - eye) * (eye[2] - 0.01) / (eye[2] - middle[2])
    moved = centre(pose_at(*floor), 0.07, cloud(rim, eye=eye))
    assert floor[1] > 0.03
    assert moved.position == pytest.approx([0, 0, 0.08], abs=2e-3)


def test_pads_go_as_deep_as_the_table_allows():
    low = gripper_pose(pose_at(0, 0, 0.02), 0.05, cloud(block(0, 0.04, 0.02)))
    assert low[2, 3] - PAD_LENGTH / 2 == pytest.approx(0.003, abs=1e-6)  # metres of air below the tips
    high = gripper_pose(pose_at(0, 0, 0.1), 0.05, cloud(block(0, 0.04, 0.1)))
    assert high[2, 3] == pytest.approx(0.1 - REACH)


def test_a_finger_stops_above_a_neighbour_and_does_not_go_through_it():
    beside = cloud(block(0, 0.04, 0.05), block(0.045, 0.03, 0.035))
    target = gripper_pose(pose_at(0, 0, 0.05), 0.05, beside)
    assert target[2, 3] - PAD_LENGTH / 2 == pytest.approx(0.038, abs=1e-3)
    with pytest.raises(PlanError, match='finger') as error:
        gripper_pose(pose_at(0, 0, 0.05), 0.05, cloud(block(0, 0.04, 0.05), block(0.045, 0.03, 0.06)))
    assert error.value.cause is Outcome.COLLISION


def test_fingers_that_open_too_little_meet_the_object():
    with pytest.raises(PlanError, match='finger'):
        gripper_pose(pose_at(0, 0, 0.05), 0.025, cloud(block(0, 0.04, 0.05)))


def test_a_firm_grasp_comes_before_a_better_one_that_only_nips():
    shallow, firm = pose_at(0, 0, 0.06, 0.05), pose_at(0, 0.06, 0.06, 0.05)
    crowded = block(0.045, 0.03, 0.045)
    seen = cloud(block(0, 0.04, 0.06), crowded[crowded[:, 1] < 0.03])
    chosen, _ = first_plan([shallow, firm], seen, lambda target, opening: target[2, 3])
    assert chosen is firm
    chosen, _ = first_plan([shallow], seen, lambda target, opening: target[2, 3])
    assert chosen is shallow


def test_the_cause_of_the_best_grasp_is_told_if_none_can_be_carried_out():
    def unreachable(target, opening):
        raise PlanError(Outcome.UNREACHABLE, 'too far')

    with pytest.raises(PlanError, match='too far') as error:
        first_plan([pose_at(0, 0, 0.05)], cloud(block(0, 0.04, 0.05)), unreachable)
    assert error.value.cause is Outcome.UNREACHABLE
    with pytest.raises(PlanError) as error:
        first_plan([], cloud(block(0, 0.04, 0.05)), unreachable)
    assert error.value.cause is Outcome.NO_POSE
