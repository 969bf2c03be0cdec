import math

import cv2
import numpy as np
import pytest

from mmvg.evaluation.functional import (
    crog_matches,
    first_match,
    harmonic_mean,
    jaccard_at,
    limit_grasps,
    strict_matches,
)
from mmvg.structures import grasps_to_corners


def grasp(x=100.0, y=100.0, w=40.0, h=20.0, degrees=0.0):
    return np.array([[x, y, w, h, math.radians(degrees)]])


def similar_grasps(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Grasps of the sizes of OCID-VLG all over its image, and others close to them."""
    rng = np.random.default_rng(seed)
    gt = np.stack([rng.uniform(-10, 650, count), rng.uniform(-10, 490, count), rng.uniform(10, 100, count)], 1)
    gt = np.concatenate([gt, np.full((count, 1), 20), rng.uniform(-np.pi / 2, np.pi / 2, (count, 1))], 1)
    return gt + rng.uniform(-1, 1, (count, 5)) * (18, 18, 9, 0, 0.7), gt


@pytest.mark.parametrize(('degrees', 'hit'), [(0, True), (29.9, True), (30, True), (30.1, False), (179, True)])
def test_strict_angles_wrap_and_include_thirty_degrees(degrees, hit):
    square = grasp(w=20)
    for start in (0.0, 15.0, -75.0):
        assert (
            strict_matches(grasp(w=20, degrees=start), square + (0, 0, 0, 0, math.radians(start + degrees)))[0, 0]
            == hit
        )


def test_the_angle_of_thirty_degrees_survives_single_precision():
    pred, gt = grasp(w=20, degrees=-75.0).astype(np.float32), grasp(w=20, degrees=75.0).astype(np.float32)
    assert strict_matches(pred, gt)[0, 0]


@pytest.mark.parametrize(('shift', 'hit'), [(23.9, True), (24.0, False), (24.1, False)])
def test_a_strict_match_has_an_iou_of_more_than_a_quarter(shift, hit):
    # the overlap is 40 - shift long, so the IoU is (40 - shift) / (40 + shift): 0.25 at a shift of 24
    assert strict_matches(grasp(), grasp(x=100 + shift))[0, 0] == hit


def test_mirrored_angles_pass_with_crog_only():
    pred, gt = grasp(w=20, degrees=45), grasp(w=20, degrees=-45)
    assert crog_matches(pred, gt)[0, 0]
    assert not strict_matches(pred, gt)[0, 0]


def test_crog_sees_nothing_on_the_right_of_the_image():
    for x, seen in ((400.0, True), (459.0, True), (550.0, False)):
        assert crog_matches(grasp(x=x), grasp(x=x))[0, 0] == seen
        assert strict_matches(grasp(x=x), grasp(x=x))[0, 0]


def test_rectangles_far_outside_match_by_the_strict_rule_only():
    outside = grasp(x=-200, y=-50)
    assert strict_matches(outside, outside)[0, 0]
    assert not crog_matches(outside, outside)[0, 0]


@pytest.mark.parametrize('bad', [grasp(w=0), grasp(h=0), grasp(x=math.nan), grasp(degrees=math.inf)])
@pytest.mark.parametrize('matches', [strict_matches, crog_matches])
def test_what_is_no_rectangle_matches_nothing(matches, bad):
    assert not matches(bad, bad).any()
    assert not matches(bad, grasp()).any()
    assert not matches(grasp(), bad).any()


@pytest.mark.parametrize('matches', [strict_matches, crog_matches])
def test_no_prediction_and_no_truth_are_empty_tables(matches):
    none = np.zeros((0, 5))
    assert matches(none, grasp()).shape == (0, 1)
    assert matches(grasp(), none).shape == (1, 0)
    assert first_match(matches(none, grasp())) is None
    assert first_match(matches(grasp(), none)) is None


def filled(corners, size=480):
    """Pixels (size, size) in a polygon or on its border, each tested by itself."""
    rows, columns = np.arange(size)[:, None], np.arange(size)[None]
    inside, border = np.zeros((2, size, size), bool)
    for (ax, ay), (bx, by) in zip(corners.tolist(), np.roll(corners, -1, axis=0).tolist(), strict=True):
        cross = (bx - ax) * (rows - ay) - (by - ay) * (columns - ax)
        inside ^= ((ay > rows) != (by > rows)) & ((cross > 0) == (by > ay))
        between = (columns >= min(ax, bx)) & (columns <= max(ax, bx)) & (rows >= min(ay, by)) & (rows <= max(ay, by))
        border |= (cross == 0) & between
    return inside | border


def pixels_of(rectangle):
    x, y, w, h, theta = rectangle.tolist()
    return filled(cv2.boxPoints(((x, y), (w, h), -math.degrees(theta))).astype(int))


def small_grasps(count, seed):
    """Grasps of a few pixels, and pairs of them at the border of the canvas."""
    rng = np.random.default_rng(seed)
    sides = rng.uniform(0.3, 9, (count, 2))
    centre = np.where(rng.random((count, 1)) < 0.5, 1, 479) + rng.uniform(-3, 3, (count, 2))
    return np.concatenate([centre, sides, rng.uniform(-1.5, 1.5, (count, 1))], axis=1)


@pytest.mark.parametrize('drawn', ['similar', 'small'])
def test_crog_decisions_are_those_of_rectangles_filled_on_the_whole_canvas(drawn):
    pred, gt = (grasps[:20] for grasps in similar_grasps(20, 0))
    if drawn == 'small':
        pred, gt = small_grasps(20, 0), small_grasps(20, 1)
    left, right = ([pixels_of(grasp) for grasp in grasps] for grasps in (pred, gt))
    expected = np.zeros((len(pred), len(gt)), bool)
    for i, j in np.ndindex(*expected.shape):
        a, b = math.degrees(pred[i, 4]), math.degrees(gt[j, 4])
        near = min(abs(a - b), abs(a + b)) <= 30
        union = (left[i] | right[j]).sum()
        expected[i, j] = near and union and (left[i] & right[j]).sum() / union > 0.25
    np.testing.assert_array_equal(crog_matches(pred, gt), expected)
    assert expected.any()
    assert not expected.all()


def test_pixels_are_those_that_scikit_image_fills():
    draw = pytest.importorskip('skimage.draw')
    for rectangle in similar_grasps(40, 2)[0]:
        x, y, w, h, theta = rectangle.tolist()
        corners = cv2.boxPoints(((x, y), (w, h), -math.degrees(theta))).astype(int)
        canvas = np.zeros((640, 640), bool)
        canvas[draw.polygon(corners[:, 1], corners[:, 0], canvas.shape)] = True
        np.testing.assert_array_equal(pixels_of(rectangle), canvas[:480, :480])


def test_strict_decisions_are_those_of_exact_polygons():
    shapely = pytest.importorskip('shapely')
    pred, gt = similar_grasps(300, 1)
    found = strict_matches(pred, gt)
    a, b = (shapely.polygons(grasps_to_corners(grasps)) for grasps in (pred, gt))
    common = shapely.area(shapely.intersection(a[:, None], b[None]))
    iou = common / (shapely.area(a)[:, None] + shapely.area(b)[None] - common)
    turn = np.abs((np.degrees(pred[:, None, 4] - gt[None, :, 4]) + 90) % 180 - 90)
    assert (found == ((iou > 0.25) & (turn <= 30))).all()
    assert found.sum() > 50


def test_a_decision_about_one_pair_is_that_among_others():
    pred, gt = similar_grasps(40, 1)
    found = strict_matches(pred, gt)
    assert found.any()
    for i, j in np.ndindex(*found.shape):
        assert strict_matches(pred[i : i + 1], gt[j : j + 1]).tolist() == [[found[i, j]]]


def test_limits_are_applied_to_a_copy():
    grasps = np.concatenate([grasp(w=130, h=35), grasp(w=60, h=8)])
    before = grasps.copy()
    assert limit_grasps(grasps, 100, 20)[:, 2:4].tolist() == [[100, 20], [60, 20]]
    assert limit_grasps(grasps, None, None).tolist() == before.tolist()
    assert (grasps == before).all()
    assert limit_grasps(np.zeros((0, 5)), 100, 20).shape == (0, 5)


def test_the_first_match_is_a_rank_over_predictions():
    assert first_match(np.array([[False, False], [False, True], [True, True]])) == 1


def test_j_at_n_counts_ranks_below_n():
    ranks = [0, 3, None, 0, 6]
    assert jaccard_at(ranks, 1) == 40
    assert jaccard_at(ranks, 5) == 60
    assert math.isnan(jaccard_at([], 1))


def test_the_harmonic_mean_of_the_papers_values():
    assert harmonic_mean(59, 31) == pytest.approx(40.64, abs=0.01)
    assert harmonic_mean(0.0, 0.0) == 0
    assert math.isnan(harmonic_mean(math.nan, 30))
