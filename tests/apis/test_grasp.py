"""Grasps of objects in scenes whose depth images are computed by intersecting rays with planes."""

import math

import numpy as np
import pytest

from mmvg.apis.grasp import PinholeCamera, grasp_poses, grasp_to_pose, to_frame
from mmvg.apis.grasp_input import GraspInputWarning, check_rigid, read_depth
from mmvg.apis.grasp_messages import detection_array, pose_stamped

CAMERA = PinholeCamera(fx=610.0, fy=603.0, cx=322.4, cy=238.7, width=640, height=480)
MM, HALF_A_DEGREE = 1e-3, math.radians(0.5)


def rays() -> np.ndarray:
    """Directions (H, W, 3) of the pixels' rays, z = 1."""
    columns, rows = np.meshgrid(np.arange(CAMERA.width), np.arange(CAMERA.height))
    x, y = (columns - CAMERA.cx) / CAMERA.fx, (rows - CAMERA.cy) / CAMERA.fy
    return np.stack([x, y, np.ones_like(x)], -1)


def plane_depth(point, normal) -> np.ndarray:
    """Depth (H, W) in metres of an endless plane."""
    return np.dot(point, normal) / (rays() @ np.asarray(normal, float))


def box_scene(centre, yaw, size, table=0.9):
    """Depth, mask, and the corners of the top of a box on a table, both square to the camera.

    Args:
        centre: (3,) middle of the top in metres.
        yaw: Turn of its long side about z, from x towards y.
        size: Long and short side in metres.
    """
    depth = np.full((CAMERA.height, CAMERA.width), table)
    hit = rays() * centre[2] - np.asarray(centre)
    along = hit[..., 0] * math.cos(yaw) + hit[..., 1] * math.sin(yaw)
    across = -hit[..., 0] * math.sin(yaw) + hit[..., 1] * math.cos(yaw)
    mask = (abs(along) <= size[0] / 2) & (abs(across) <= size[1] / 2)
    depth[mask] = centre[2]
    return depth, mask


def project(points) -> np.ndarray:
    points = np.asarray(points, float)
    return points[..., :2] / points[..., 2:] * (CAMERA.fx, CAMERA.fy) + (CAMERA.cx, CAMERA.cy)


def grasp_of(centre, yaw, opening, jaw=0.02) -> np.ndarray:
    """The grasp in pixels of jaws at ``centre`` that open by ``opening`` metres along ``yaw`` (from x towards y)."""
    axis = np.array([math.cos(yaw), math.sin(yaw), 0])
    left, right = project([centre - opening / 2 * axis, centre + opening / 2 * axis])
    across = np.array([-axis[1], axis[0], 0])
    h = np.linalg.norm(np.diff(project([centre - jaw / 2 * across, centre + jaw / 2 * across]), axis=0))
    dx, dy = right - left
    return np.array([*project(centre), math.hypot(dx, dy), h, -math.atan2(dy, dx)])


def angle_between(first: float, second: float) -> float:
    return abs((first - second + math.pi / 2) % math.pi - math.pi / 2)


@pytest.mark.parametrize('centre', [(0.0, 0.0, 0.8), (0.12, -0.09, 0.62), (-0.2, 0.15, 0.75)])
@pytest.mark.parametrize('yaw', [0.0, 0.4, math.pi / 2, -1.1])
def test_a_box_on_a_table_is_found_to_a_millimetre_and_half_a_degree(centre, yaw):
    depth, _ = box_scene(centre, yaw + math.pi / 2, (0.14, 0.05))
    pose = grasp_to_pose(grasp_of(np.array(centre), yaw, 0.07), depth, CAMERA)
    assert np.abs(pose.position - centre).max() < MM
    assert abs(pose.opening - 0.07) < MM
    assert abs(pose.jaw - 0.02) < MM
    assert angle_between(pose.angle, yaw) < HALF_A_DEGREE
    assert pose.frame == 'camera_optical_frame'


def test_millimetres_and_metres_give_the_same_pose():
    centre = np.array([0.05, 0.02, 0.7])
    depth, _ = box_scene(centre, 0.3, (0.1, 0.1))
    grasp = grasp_of(centre, 0.3, 0.12)
    single = grasp_to_pose(grasp, depth.astype(np.float32), CAMERA)
    millimetres = grasp_to_pose(grasp, np.round(depth * 1000).astype(np.uint16), CAMERA)
    from_ros = grasp_to_pose(grasp, np.round(depth * 1000).astype('>u2')[..., None], CAMERA)  # 16UC1, big-endian
    for pose in (single, millimetres, from_ros):
        assert np.abs(pose.position - centre).max() < MM


@pytest.mark.parametrize('hole', [0.0, np.nan, np.inf, -1.0])
def test_holes_do_not_count(hole):
    centre = np.array([0.05, -0.05, 0.7])
    depth, _ = box_scene(centre, 0.0, (0.06, 0.06))
    rng = np.random.default_rng(0)
    depth[rng.random(depth.shape) < 0.6] = hole
    u, v = np.round(project(centre)).astype(int)
    depth[v - 3 : v + 4, u - 3 : u + 4] = hole  # the centre itself among them
    pose = grasp_to_pose(grasp_of(centre, 0.0, 0.08), depth, CAMERA)
    assert np.abs(pose.position - centre).max() < MM


def test_a_few_wrong_measurements_do_not_count():
    centre = np.array([0.0, 0.0, 0.7])
    depth, _ = box_scene(centre, 0.0, (0.06, 0.06))
    depth[np.random.default_rng(0).random(depth.shape) < 0.3] = 3.5
    assert abs(grasp_to_pose(grasp_of(centre, 0.0, 0.08), depth, CAMERA).position[2] - 0.7) < MM


def test_the_mask_keeps_the_table_out_of_a_thin_object():
    centre = np.array([0.0, 0.0, 0.7])
    depth, mask = box_scene(centre, math.pi / 2, (0.1, 0.012))
    grasp = grasp_of(centre, 0.0, 0.08)  # of its middle half, only a third is on the object
    assert abs(grasp_to_pose(grasp, depth, CAMERA).position[2] - 0.9) < MM
    pose = grasp_to_pose(grasp, depth, CAMERA, mask)
    assert np.abs(pose.position - centre).max() < MM
    assert abs(pose.opening - 0.08) < MM


@pytest.mark.parametrize('tilt', [0.2, -0.4])
def test_a_tilted_surface_is_met_in_the_middle(tilt):
    centre = np.array([0.06, 0.04, 0.7])
    depth = plane_depth(centre, (math.sin(tilt), 0, math.cos(tilt)))
    pose = grasp_to_pose(grasp_of(centre, 0.5, 0.05), depth, CAMERA)
    assert np.abs(pose.position - centre).max() < MM
    assert angle_between(pose.angle, 0.5) < HALF_A_DEGREE


def test_the_jaws_can_reach_beyond_the_surface():
    centre = np.array([0.1, 0.05, 0.7])
    depth, _ = box_scene(centre, 0.0, (0.1, 0.1))
    pose = grasp_to_pose(grasp_of(centre, 0.0, 0.08), depth, CAMERA, reach=0.015)
    assert np.abs(pose.position - centre - (0, 0, 0.015)).max() < MM
    assert abs(pose.opening - 0.08) < MM


def test_the_frame_of_a_pose_is_right_handed_and_comes_in_along_the_optical_axis():
    depth = np.full((480, 640), 0.7)
    pose = grasp_to_pose(np.array([300, 200, 60, 20, 0.7]), depth, CAMERA)
    assert np.allclose(pose.rotation.T @ pose.rotation, np.eye(3))
    assert np.linalg.det(pose.rotation) == pytest.approx(1)
    assert pose.rotation[:, 2].tolist() == [0, 0, 1]
    assert pose.rotation[1, 0] < 0  # up on the screen is -y


def test_a_hand_eye_matrix_moves_the_pose_to_the_base():
    # a camera that looks down from 1 m above (0.4, 0.1): its x is the x of the base, its y is -y, its z is -z
    looking_down = np.array([[1, 0, 0, 0.4], [0, -1, 0, 0.1], [0, 0, -1, 1.0], [0, 0, 0, 1]])
    centre = np.array([0.1, 0.05, 0.8])
    depth, _ = box_scene(centre, 0.0, (0.1, 0.1))
    (pose,) = grasp_poses(
        grasp_of(centre, 0.6, 0.08)[None], [0.9], depth, CAMERA, camera_to_base=looking_down, base_frame='base'
    )
    assert np.abs(pose.position - (0.5, 0.05, 0.2)).max() < MM
    assert angle_between(pose.angle, -0.6) < HALF_A_DEGREE
    assert np.allclose(pose.rotation[:, 2], (0, 0, -1))
    assert (pose.frame, pose.score) == ('base', 0.9)
    back = to_frame(pose, np.linalg.inv(looking_down), 'camera_optical_frame')
    assert np.abs(back.position - centre).max() < MM


def test_poses_come_best_first_and_leave_out_what_cannot_be_done():
    depth = np.full((480, 640), 0.6)
    depth[:, 500:] = np.nan
    grasps = np.array(
        [
            [100, 100, 40, 20, 0],
            [200, 100, 40, 20, 0],
            [580, 100, 40, 20, 0],  # no depth
            [300, 100, 200, 20, 0],  # too wide
            [np.nan, 100, 40, 20, 0],
            [300, 100, 0, 20, 0],
            [300, 300, 40, 20, 0],  # a score too low
            [9000, 9000, 40, 20, 0],  # outside of the image
        ]
    )
    scores = np.array([0.5, 0.9, 0.95, 0.95, 0.99, 0.99, 0.1, 0.99])
    poses = grasp_poses(grasps, scores, depth, CAMERA, min_score=0.2, max_opening=0.08)
    assert [pose.score for pose in poses] == [0.9, 0.5]


@pytest.mark.parametrize('grasps', [np.zeros((0, 5)), np.array([[300, 100, 0, 20, 0]])])
def test_no_grasp_is_an_answer(grasps):
    assert grasp_poses(grasps, np.ones(len(grasps)), np.ones((480, 640)), CAMERA) == []


def test_a_depth_image_without_a_measurement_gives_no_pose_and_says_why():
    with pytest.warns(GraspInputWarning, match='no pixel of the depth image was measured'):
        poses = grasp_poses(np.array([[300, 100, 40, 20, 0]]), [1.0], np.zeros((480, 640), np.uint16), CAMERA)
    assert poses == []


@pytest.mark.parametrize('score', [np.nan, 0.1])
def test_a_score_that_is_too_low_or_not_a_number_gives_no_pose(score):
    assert grasp_poses(np.array([[300, 100, 40, 20, 0]]), [score], np.ones((480, 640)), CAMERA, min_score=0.2) == []


def test_depth_of_another_size_or_type_or_unit_is_refused():
    with pytest.raises(ValueError, match=r'depth is \(240, 320\).*\(480, 640\).*register'):
        read_depth(np.ones((240, 320)), CAMERA)
    with pytest.raises(ValueError, match='not uint8'):
        read_depth(np.ones((480, 640), np.uint8), CAMERA)
    with pytest.raises(ValueError, match='in metres, not millimetres'):
        read_depth(np.full((480, 640), 700.0), CAMERA)


def test_a_hand_eye_shift_in_millimetres_is_refused():
    matrix = np.eye(4)
    matrix[:3, 3] = 500, -120, 300
    with pytest.raises(ValueError, match=r'shifts by 595\.3\d* m: .* not millimetres'):
        grasp_poses(np.zeros((0, 5)), np.zeros(0), np.ones((480, 640)), CAMERA, camera_to_base=matrix)


def test_a_mask_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r'mask is \(240, 320\)'):
        grasp_to_pose(np.array([300, 100, 40, 20, 0]), np.ones((480, 640)), CAMERA, np.ones((240, 320), bool))


@pytest.mark.parametrize('shape', [(5,), (2, 4)])
def test_grasps_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r'\(N, 5\)'):
        grasp_poses(np.ones(shape), np.ones(2), np.ones((480, 640)), CAMERA)


@pytest.mark.parametrize(
    ('matrix', 'problem'),
    [
        (np.eye(3), 'not four rows of four'),
        (np.full((4, 4), np.nan), 'not four rows of four finite'),
        (np.diag([2.0, 2, 2, 1]), 'no rotation .*determinant 8'),
        (np.diag([1.0, 1, -1, 1]), 'no rotation .*determinant -1'),
        (np.diag([1.0, 1, 1, 2]), 'wrong in its last row'),
        (np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0.4, 0.1, 1, 1]]), 'transposed'),
    ],
)
def test_a_matrix_that_is_not_rigid_is_refused(matrix, problem):
    with pytest.raises(ValueError, match=f'hand-eye matrix .*{problem}'):
        check_rigid(matrix)


def test_a_hand_eye_shift_beyond_the_reach_of_arms_is_doubted():
    matrix = np.eye(4)
    matrix[:3, 3] = 40, 10, 20  # centimetres
    with pytest.warns(GraspInputWarning, match=r'shifts by 45\.8\d* m.* is it in metres'):
        grasp_poses(np.zeros((0, 5)), np.zeros(0), np.ones((480, 640)), CAMERA, camera_to_base=matrix)


def test_angles_in_degrees_are_refused():
    grasps = np.array([[300, 100, 40, 20, 0.3], [300, 100, 40, 20, -45.0], [300, 100, 40, 20, np.nan]])
    with pytest.raises(ValueError, match='turned by 45: angles are in radians'):
        grasp_poses(grasps, np.ones(3), np.ones((480, 640)), CAMERA)


@pytest.mark.parametrize('setting', [dict(max_opening=85), dict(reach=20), dict(max_opening=np.nan)])
def test_lengths_of_the_gripper_in_millimetres_are_refused(setting):
    with pytest.raises(ValueError, match=f'{next(iter(setting))}=.* in metres, not millimetres'):
        grasp_poses(np.zeros((0, 5)), np.zeros(0), np.ones((480, 640)), CAMERA, **setting)


@pytest.mark.parametrize(
    ('depth', 'doubt'),
    [
        (
            np.full((480, 640), 7000, np.uint16),
            r'7\.0 m from the camera.* uint16 as millimetres',
        ),  # tenths of millimetres
        (np.full((480, 640), 0.0007), r'0\.7 mm from the camera'),  # kilometres
    ],
)
def test_depth_where_no_grasp_can_be_is_doubted(depth, doubt):
    with pytest.warns(GraspInputWarning, match=doubt):
        assert len(grasp_poses(np.array([[300, 100, 40, 20, 0]]), [1.0], depth, CAMERA)) == 1


def test_the_intrinsics_of_a_larger_image_are_doubted():
    with pytest.warns(GraspInputWarning, match='intrinsics of another resolution'):
        PinholeCamera.from_matrix([1220, 0, 644.8, 0, 1206, 477.4, 0, 0, 1], 640, 480)


def test_likely_input_raises_no_doubt(recwarn):
    matrix = np.array([[1, 0, 0, 0.4], [0, -1, 0, 0.1], [0, 0, -1, 1.0], [0, 0, 0, 1]])
    grasp = np.array([[300, 100, 40, 20, 0.3]])
    grasp_poses(grasp, [1.0], np.full((480, 640), 0.7), CAMERA, max_opening=0.085, reach=0.02, camera_to_base=matrix)
    assert not [entry for entry in recwarn if entry.category is GraspInputWarning]


def tilted_camera(degrees, height=0.8):
    """Camera to base of a camera that looks along the x of the base, so many degrees down."""
    down = math.radians(degrees)
    forward = np.array([math.cos(down), 0, -math.sin(down)])
    right = np.array([0.0, -1, 0])
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([right, np.cross(forward, right), forward], 1)
    matrix[:3, 3] = 0.1, -0.05, height
    return matrix


@pytest.mark.parametrize('degrees', [90, 60, 35])
@pytest.mark.parametrize('yaw', [0.0, 0.9, math.pi / 2])
def test_a_vertical_approach_measures_the_opening_on_the_table_wherever_the_camera_looks_from(degrees, yaw):
    to_base = tilted_camera(degrees)
    to_camera = np.linalg.inv(to_base)
    down, origin = to_camera[:3, :3] @ (0, 0, -1), to_camera[:3, 3]
    depth = plane_depth(origin, down)  # the table is z = 0 of the base
    centre = to_base[:3, 3] + to_base[:3, 2] / to_base[2, 2] * -to_base[2, 3] + (0.02, 0.03, 0)
    axis = np.array([math.cos(yaw), math.sin(yaw), 0])
    left, right = project([to_camera[:3, :3] @ (centre + side * 0.03 * axis) + origin for side in (-1, 1)])
    x, y = (left + right) / 2
    grasp = np.array([[x, y, *np.hypot(*(right - left)[:, None]), 10, -math.atan2(*(right - left)[::-1])]])
    (pose,) = grasp_poses(grasp, [1.0], depth, CAMERA, camera_to_base=to_base, approach='vertical', reach=0.01)
    assert np.abs(pose.position - centre + (0, 0, 0.01)).max() < MM  # though the middle pixel sees another point
    assert pose.opening == pytest.approx(0.06, abs=MM)
    assert np.allclose(pose.rotation[:, 2], (0, 0, -1))
    assert angle_between(pose.angle, yaw) < HALF_A_DEGREE
    assert np.linalg.det(pose.rotation) == pytest.approx(1)


def test_straight_above_the_vertical_approach_is_that_of_the_camera():
    arguments = (np.array([[300, 200, 60, 20, 0.7]]), [1.0], np.full((480, 640), 0.7), CAMERA)
    poses = [
        grasp_poses(*arguments, camera_to_base=tilted_camera(90), approach=approach)[0]
        for approach in ('camera', 'vertical')
    ]
    assert np.allclose(poses[0].position, poses[1].position)
    assert np.allclose(poses[0].rotation, poses[1].rotation)


@pytest.mark.parametrize(
    ('settings', 'problem'),
    [
        (dict(approach='vertical'), 'needs camera_to_base'),
        (dict(approach='vertical', camera_to_base=tilted_camera(5)), 'it looks 5 degrees down'),
        (dict(approach='vertical', camera_to_base=np.eye(4)), 'it looks -90 degrees down'),
        (dict(approach='top', camera_to_base=np.eye(4)), "approach .*'top'"),
    ],
)
def test_an_approach_that_cannot_be_is_refused(settings, problem):
    with pytest.raises(ValueError, match=problem):
        grasp_poses(np.zeros((0, 5)), np.zeros(0), np.ones((480, 640)), CAMERA, **settings)


def test_a_ray_that_never_meets_the_plane_of_a_vertical_approach_gives_no_pose():
    grasp = np.array([320, 20, 20, 20, math.pi / 2])
    assert grasp_to_pose(grasp, np.ones((480, 640)), CAMERA, direction=np.array([0.0, 0.94, 0.34])) is None


@pytest.mark.parametrize('field', [dict(fx=0.0), dict(fy=-603.0), dict(cx=math.nan), dict(width=0)])
def test_a_camera_without_focal_length_or_pixels_is_refused(field):
    with pytest.raises(ValueError, match='fx, fy, width and height of more than 0'):
        PinholeCamera(**(dict(fx=610.0, fy=603.0, cx=322.4, cy=238.7, width=640, height=480) | field))


@pytest.mark.parametrize('limit', [dict(min_score=90), dict(min_score=math.nan), dict(max_opening=-0.085)])
def test_limits_that_no_grasp_can_meet_are_refused(limit):
    with pytest.raises(ValueError, match=r'min_score must be|opens by more than'):
        grasp_poses(np.zeros((0, 5)), np.zeros(0), np.ones((480, 640)), CAMERA, **limit)


def test_depth_is_read_once_for_all_grasps(monkeypatch):
    calls = []
    monkeypatch.setattr('mmvg.apis.grasp.read_depth', lambda *inputs: calls.append(1) or read_depth(*inputs))
    grasps = np.tile([322.4, 238.7, 64, 20, 0.3], (5, 1))
    assert len(grasp_poses(grasps, np.ones(5), np.full((480, 640), 0.6), CAMERA)) == 5
    assert len(calls) == 1


def test_the_middle_column_is_the_approach_crossed_with_the_opening_axis():
    turn = grasp_to_pose(np.array([322.4, 238.7, 64, 20, 0.3]), np.full((480, 640), 0.6), CAMERA).rotation
    assert turn[:, 1] == pytest.approx(np.cross(turn[:, 2], turn[:, 0]))


def test_a_camera_is_read_from_camera_info():
    k = [610.0, 0, 322.4, 0, 603.0, 238.7, 0, 0, 1]
    assert PinholeCamera.from_matrix(k, 640, 480) == CAMERA
    assert PinholeCamera.from_matrix(np.reshape(k, (3, 3)), 640, 480) == CAMERA
    for bad in ([610.0, 2, 322.4, 0, 603.0, 238.7, 0, 0, 1], [0.0] * 9, [1.0] * 4):
        with pytest.raises(ValueError, match='camera matrix'):
            PinholeCamera.from_matrix(bad, 640, 480)


def test_a_pose_has_the_fields_of_a_stamped_pose():
    pose = grasp_to_pose(np.array([322.4, 238.7, 61.0, 20, 0.0]), np.full((480, 640), 0.5), CAMERA)
    message = pose_stamped(pose, stamp=(12, 34))
    assert message['header'] == dict(stamp=dict(sec=12, nanosec=34), frame_id='camera_optical_frame')
    assert message['pose']['position'] == pytest.approx(dict(x=0, y=0, z=0.5))
    assert message['pose']['orientation'] == pytest.approx(dict(x=0, y=0, z=0, w=1))


def test_the_quaternion_turns_x_to_the_opening_axis():
    pose = grasp_to_pose(np.array([300, 200, 60, 20, math.pi / 2]), np.full((480, 640), 0.5), CAMERA)
    x, y, z, w = pose.quaternion
    # the first column of the matrix of a quaternion
    assert [1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w)] == pytest.approx([0, -1, 0])


def test_grasps_are_detections_with_their_score_and_space_between_the_jaws():
    depth = np.full((480, 640), 0.61)
    poses = grasp_poses(np.array([[322.4, 238.7, 50, 20, 0], [100, 100, 50, 20, 0]]), [0.4, 0.8], depth, CAMERA)
    message = detection_array(poses, 'the blue mug', 'camera_optical_frame', (5, 6))
    first, second = message['detections']
    assert (first['id'], second['id']) == ('0', '1')
    assert first['results'][0]['hypothesis'] == dict(class_id='the blue mug', score=0.8)
    assert len(first['results'][0]['pose']['covariance']) == 36
    assert second['bbox']['size']['x'] == pytest.approx(0.05)
    assert second['bbox']['center'] == second['results'][0]['pose']['pose']
    empty = detection_array([], 'the blue mug', 'base_link')
    assert empty == dict(header=dict(stamp=dict(sec=0, nanosec=0), frame_id='base_link'), detections=[])
    with pytest.raises(ValueError, match='camera_optical_frame'):
        detection_array(poses, 'the blue mug', 'base_link')
