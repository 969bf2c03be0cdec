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


def test_crog_decisions_are_those_of_rectangles_filled_on_the_whole_canvas():
    draw = pytest.importorskip('skimage.draw')

    def pixels(rectangle):
        x, y, w, h, theta = rectangle.tolist()
        corners = cv2.boxPoints(((x, y), (w, h), -math.degrees(theta))).astype(int)
        canvas = np.zeros((640, 640), bool)
        inside = draw.polygon(corners[:, 1], corners[:, 0], canvas.shape)
        canvas[inside] = True
        return canvas[:480, :480]

    pred, gt = similar_grasps(400, 0)
    decided = []
    for a, b in zip(pred, gt, strict=True):
        angles = math.degrees(a[4]), math.degrees(b[4])
        near = min(abs(angles[0] - angles[1]), abs(angles[0] + angles[1])) <= 30
        left, right = pixels(a), pixels(b)
        union = (left | right).sum()
        expected = bool(near and union and (left & right).sum() / union > 0.25)
        assert crog_matches(a[None], b[None])[0, 0] == expected
        decided.append(expected)
    assert 40 < sum(decided) < 360


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
