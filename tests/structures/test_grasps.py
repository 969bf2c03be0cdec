import math

import numpy as np
import pytest
import torch

from mmvg.structures import (
    corners_to_grasps,
    fold_angle,
    grasps_to_corners,
    rotated_iou,
    rotated_ious,
    transform_grasps,
    usable_grasps,
)


def random_grasps(count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    low, high = (0, 0, 5, 5, -np.pi / 2 + 1e-6), (640, 480, 120, 60, np.pi / 2)
    return rng.uniform(low, high, (count, 5))


def test_an_upright_rectangle_has_the_numbers_of_the_specification():
    corners = np.array([[80, 90], [80, 110], [120, 110], [120, 90]], float)
    assert corners_to_grasps(corners).tolist() == [100, 100, 40, 20, 0]


def test_the_opening_is_p1_p4_and_turns_counter_clockwise_on_screen():
    # p1 -> p4 goes right and up (y is down), by 3 and 4 pixels, so the angle is atan(4 / 3) and positive
    corners = np.array([[10, 10], [14, 13], [17, 9], [13, 6]], float)
    x, y, w, h, theta = corners_to_grasps(corners)
    assert (x, y, w, h) == (13.5, 9.5, 5, 5)
    assert theta == pytest.approx(math.atan2(4, 3))


def test_cornells_convention_would_swap_the_sides_and_turn_by_a_right_angle():
    corners = np.array([[80, 90], [80, 110], [120, 110], [120, 90]], float)
    turned = corners_to_grasps(np.roll(corners, -1, axis=0))
    assert turned.tolist() == [100, 100, 20, 40, math.pi / 2]


@pytest.mark.parametrize('make', [np.asarray, torch.as_tensor])
def test_corners_and_back_is_the_same_grasp(make):
    grasps = make(random_grasps(500))
    back = corners_to_grasps(grasps_to_corners(grasps))
    assert type(back) is type(grasps)
    assert back.dtype == grasps.dtype
    assert np.abs(np.asarray(back - grasps)).max() < 1e-9


def test_no_grasp_is_legal_everywhere():
    none = np.zeros((0, 5))
    assert grasps_to_corners(none).shape == (0, 4, 2)
    assert corners_to_grasps(np.zeros((0, 4, 2))).shape == (0, 5)
    assert transform_grasps(none, np.eye(3)).shape == (0, 5)
    assert rotated_ious(none, random_grasps(3)).shape == (0, 3)


@pytest.mark.parametrize('make', [lambda x: np.array(x, np.float32), lambda x: torch.tensor(x), np.array])
def test_both_right_angles_are_the_same_grasp(make):
    folded = fold_angle(make([-math.pi / 2, math.pi / 2, math.pi, 1.5 * math.pi, 0.1 + math.pi, -3.0]))
    expected = [math.pi / 2, math.pi / 2, 0, math.pi / 2, 0.1, math.pi - 3.0]
    assert np.asarray(folded) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize('make', [np.asarray, torch.as_tensor])
def test_a_letterbox_scales_and_shifts_but_does_not_turn(make):
    letterbox = np.array([[0.35, 0, 0], [0, 0.35, 28], [0, 0, 1]])  # 640 x 480 to 224
    grasps = random_grasps(50)
    expected = grasps * (0.35, 0.35, 0.35, 0.35, 1) + (0, 28, 0, 0, 0)
    assert np.abs(np.asarray(transform_grasps(make(grasps), letterbox)) - expected).max() < 1e-9


def test_a_mirror_negates_the_angle_and_keeps_both_sides():
    mirror = np.array([[-1.0, 0, 640], [0, 1, 0], [0, 0, 1]])
    moved = transform_grasps(np.array([[100.0, 50, 40, 20, 0.3]]), mirror)
    assert moved[0] == pytest.approx([540, 50, 40, 20, -0.3])


def test_a_quarter_turn_of_the_image_turns_the_grasp():
    # (x, y) -> (y, 100 - x): the right edge comes to the top, which is counter-clockwise on screen
    turn = np.array([[0, 1, 0], [-1, 0, 100], [0, 0, 1]])
    moved = transform_grasps(np.array([[80.0, 50, 40, 20, 0.2]]), turn)
    assert moved[0] == pytest.approx([50, 20, 40, 20, 0.2 - math.pi / 2])


def test_a_stretch_changes_the_angle():
    stretch = np.diag([0.35, 224 / 480, 1])  # 640 x 480 to 224 x 224
    moved = transform_grasps(np.array([[320.0, 240, 40, 20, math.pi / 4]]), stretch)
    assert moved[0, 4] == pytest.approx(math.atan2(224 / 480, 0.35))


def test_a_perspective_map_divides_by_the_depth():
    doubled = np.diag([2.0, 2.0, 2.0])
    grasp = np.array([[10.0, 20, 6, 4, 0.5]])
    assert transform_grasps(grasp, doubled)[0] == pytest.approx(grasp[0])


def test_what_is_no_rectangle_is_not_usable():
    grasps = np.array(
        [[1, 1, 5, 5, 0], [1, 1, 0, 5, 0], [1, 1, 5, 1e-4, 0], [np.nan, 1, 5, 5, 0], [1, 1, 5, 5, np.inf]]
    )
    assert usable_grasps(grasps).tolist() == [True, False, False, False, False]
    assert usable_grasps(torch.from_numpy(grasps)).tolist() == [True, False, False, False, False]


@pytest.mark.parametrize(
    ('left', 'right', 'expected'),
    [
        ([0, 0, 40, 20, 0.7], [0, 0, 40, 20, 0.7], 1),
        ([0, 0, 40, 20, 0], [0, 0, 20, 40, math.pi / 2], 1),  # the same rectangle, sides named the other way
        ([0, 0, 40, 20, 0], [20, 0, 40, 20, 0], 1 / 3),
        ([0, 0, 40, 20, 0], [0, 0, 40, 20, math.pi / 2], 400 / 1200),
        ([0, 0, 20, 20, 0], [0, 0, 20, 20, math.pi / 4], 2 * (math.sqrt(2) - 1) / (2 - 2 * (math.sqrt(2) - 1))),
        ([0, 0, 40, 20, 0], [40, 0, 40, 20, 0], 0),  # they touch
        ([0, 0, 40, 20, 0], [500, 0, 40, 20, 0], 0),
        ([-100, -100, 40, 20, 0], [-100, -100, 40, 20, 0], 1),  # outside of every image
        ([0, 0, 0, 20, 0], [0, 0, 0, 20, 0], 0),
        ([math.nan, 0, 40, 20, 0], [0, 0, 40, 20, 0], 0),
    ],
)
def test_iou_of_rotated_rectangles_by_hand(left, right, expected):
    assert rotated_iou(np.array([left]), np.array([right]))[0] == pytest.approx(expected, abs=1e-9)


def test_the_iou_agrees_with_counting_points():
    left = random_grasps(40)
    right = left + np.random.default_rng(1).uniform(-15, 15, (40, 5)) * (1, 1, 0, 0, 0.05)
    rows, columns = np.mgrid[-100:740:0.25, -100:580:0.25]
    for a, b, iou in zip(left[:6], right[:6], rotated_iou(left, right)[:6], strict=True):
        inside = []
        for x, y, w, h, theta in (a, b):
            along = (rows - x) * np.cos(theta) - (columns - y) * np.sin(theta)
            across = (rows - x) * np.sin(theta) + (columns - y) * np.cos(theta)
            inside.append((abs(along) < w / 2) & (abs(across) < h / 2))
        assert iou == pytest.approx((inside[0] & inside[1]).sum() / (inside[0] | inside[1]).sum(), abs=0.01)


def test_the_iou_is_that_of_exact_polygons():
    shapely = pytest.importorskip('shapely')
    left, right = random_grasps(60), random_grasps(50, seed=1)
    found = rotated_ious(left, right)
    a = shapely.polygons(grasps_to_corners(left))[:, None]
    b = shapely.polygons(grasps_to_corners(right))[None]
    common = shapely.area(shapely.intersection(a, b))
    assert (found > 0).sum() > 20
    assert np.abs(found - common / (shapely.area(a) + shapely.area(b) - common)).max() < 1e-12


def test_one_pair_has_the_iou_that_it_has_among_others():
    left, right = random_grasps(200), random_grasps(200, seed=1)
    left[:50] = right[:50] + (5, 3, 0, 0, 0)  # sides along each other
    left[50:60], left[60, 0], left[61, 2] = right[50:60], np.nan, 0
    together = rotated_iou(left, right)
    assert (together > 0).sum() > 60
    for one, other, iou in zip(left, right, together, strict=True):
        assert rotated_iou(one, other[None]).shape == (1,)
        assert rotated_iou(one, other) == pytest.approx(iou, abs=1e-13)


def test_the_iou_of_rectangles_with_sides_along_each_other_is_exact():
    rng = np.random.default_rng(0)
    for _ in range(300):
        x, y, w, h = rng.integers(1, 9, (4, 2))
        rows, columns = np.mgrid[-10:20:0.5, -10:20:0.5] + 0.25
        inside = [(abs(columns - x[i]) < w[i] / 2) & (abs(rows - y[i]) < h[i] / 2) for i in (0, 1)]
        expected = (inside[0] & inside[1]).sum() / (inside[0] | inside[1]).sum()
        turned = np.array([x[1], y[1], h[1], w[1], math.pi / 2])
        assert rotated_iou(np.array([x[0], y[0], w[0], h[0], 0]), turned) == pytest.approx(expected, abs=1e-12)
