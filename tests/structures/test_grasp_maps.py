import cv2
import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter, maximum_filter

from mmvg.export.grasp_maps import refined
from mmvg.structures import grasps_to_corners
from mmvg.structures.grasp_maps import (
    find_peaks,
    grasps_to_maps,
    maps_to_grasps,
    mask_to_grasp,
    refine_centers,
    smooth_map,
)

GRASP = np.array([[300.0, 200.0, 60.0, 20.0, 0.0]])


def test_the_painted_region_is_the_middle_half_with_its_border():
    maps, painted = grasps_to_maps(GRASP, (480, 640), quality_sigma=0)
    assert painted.sum() == 31 * 21  # as the authors' loader paints w = 60, h = 20
    rows, columns = np.nonzero(painted)
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == (285, 315, 190, 210)
    np.testing.assert_array_equal(maps[0], painted)
    assert maps[3][200, 300] == pytest.approx(0.6)
    third = grasps_to_maps(GRASP, (480, 640), center_ratio=1 / 3, quality_sigma=0)[1]
    assert third.sum() == 21 * 21


def reference_maps(grasps, height=480, width=640):
    """CROG's maps, as described: whole-pixel corners, 8 bits, whole degrees; Gaussian over position and width."""
    position, angle, opening = (np.zeros((height, width)) for _ in range(3))
    for grasp in grasps:
        x, y, w, h, theta = grasp
        polygon = grasps_to_corners(np.array([x, y, w / 2, h, theta])).astype(np.int32)
        inside = np.zeros((height, width), np.uint8)
        cv2.fillPoly(inside, [polygon], 1)
        inside = inside > 0
        position[inside], angle[inside], opening[inside] = 1, np.rad2deg(theta) % 180 // 1, min(w, 100) / 100
    quality, opening = (np.round(255 * gaussian_filter(m, 3, mode='nearest')) / 255 for m in (position, opening))
    return quality, np.cos(np.deg2rad(2 * angle)), np.sin(np.deg2rad(2 * angle)), opening


def test_maps_of_the_native_size_are_those_of_the_reference_up_to_rounding():
    rng = np.random.default_rng(0)
    grasps = np.stack(
        [
            rng.uniform(60, 560, 12),
            rng.uniform(60, 420, 12),
            rng.uniform(20, 140, 12),
            rng.uniform(10, 40, 12),
            rng.uniform(-np.pi / 2, np.pi / 2, 12),
        ],
        1,
    )
    for grasp in grasps:  # one by one, since a border moved by one pixel changes what a later rectangle covers
        maps, painted = grasps_to_maps(grasp[None], (480, 640))
        inner = cv2.erode(painted.astype(np.uint8), np.ones((5, 5))) > 0
        outer = cv2.dilate(painted.astype(np.uint8), np.ones((31, 31))) == 0
        quality, cos, sin, width = reference_maps([grasp])
        for own, reference in ((maps[0], quality), (maps[3], width)):
            assert np.abs(own - reference).max() < 0.2  # half a pixel of a slope of 1 / (sqrt(2 pi) 3), twice
            assert np.abs(own - reference)[outer].max() <= 1 / 255
        assert np.abs(maps[1] - cos)[inner].max() < np.deg2rad(2) + 1e-6  # twice a whole degree
        assert np.abs(maps[2] - sin)[inner].max() < np.deg2rad(2) + 1e-6
        np.testing.assert_allclose(maps[1][outer], 1)
        np.testing.assert_allclose(maps[2][outer], 0)


def test_the_quality_at_the_centre_of_small_jaws_is_as_measured():
    for jaw, expected in ((5, 0.67), (8, 0.87), (20, 0.996)):
        grasps = np.array([[100.0, 100.0, 80.0, jaw - 1.0, 0.0]])  # painted on jaw rows, the border being one of them
        maps, _ = grasps_to_maps(grasps, (200, 200))
        assert maps[0][100, 100] == pytest.approx(expected, abs=0.08)


def test_later_grasps_cover_earlier_ones_and_the_background_has_angle_zero():
    crossing = np.array([[50.0, 50.0, 60.0, 10.0, 0.0], [50.0, 50.0, 30.0, 10.0, np.pi / 2]])
    maps, _ = grasps_to_maps(crossing, (100, 100), quality_sigma=0)
    assert (maps[1][50, 50], maps[3][50, 50]) == (-1, pytest.approx(0.3))
    assert (maps[1][50, 36], maps[3][50, 36]) == (1, pytest.approx(0.6))
    assert (maps[1][5, 5], maps[2][5, 5], maps[3][5, 5]) == (1, 0, 0)


def test_widths_are_in_pixels_of_the_canvas_and_clipped():
    grasps = np.array([[20.0, 20.0, 15.0, 10.0, 0.0], [60.0, 20.0, 50.0, 10.0, 0.0]])
    maps, _ = grasps_to_maps(grasps, (40, 80), width_norm=35, quality_sigma=0)
    assert maps[3][20, 20] == pytest.approx(15 / 35)
    assert maps[3][20, 60] == 1  # 50 pixels


@pytest.mark.parametrize('degrees', [-60, 0, 25, 90])
def test_peaked_quality_is_highest_in_the_centre_and_two_sigma_wide(degrees):
    theta = np.deg2rad(degrees)
    maps, _ = grasps_to_maps(np.array([[40.0, 30.0, 32.0, 12.0, theta]]), (60, 80), quality='peak')
    assert maps[0][30, 40] == maps[0].max() == 1
    x, y = 40 + 8 * np.cos(theta), 30 - 8 * np.sin(theta)  # a border of the middle half
    assert maps[0][round(y), round(x)] == pytest.approx(np.exp(-2), abs=0.06)


def test_overlapping_peaks_keep_their_centres():
    grasps = np.array([[30.0, 30.0, 40.0, 12.0, 0.0], [36.0, 30.0, 40.0, 12.0, 1.2]])
    maps, _ = grasps_to_maps(grasps, (60, 80), quality='peak')
    assert maps[0][30, 30] == maps[0][30, 36] == 1
    with pytest.raises(ValueError, match="not 'round'"):
        grasps_to_maps(grasps, (60, 80), quality='round')


@pytest.mark.parametrize('centre', [(20.3, 14.8), (31.5, 22.25), (2.1, 1.2)])
def test_centres_are_found_between_pixels(centre):
    maps, _ = grasps_to_maps(np.array([[*centre, 20.0, 9.0, 0.5]]), (40, 60), quality='peak')
    quality, cos, sin, width = torch.from_numpy(maps)
    whole, _ = maps_to_grasps(quality, cos, sin, width, count=1, min_distance=1)
    fine, _ = maps_to_grasps(quality, cos, sin, width, count=1, min_distance=1, center_sigma=1.0)
    near_border = 0.4 if min(centre) < 5 else 0.03  # what lies beyond the border cannot pull
    assert np.hypot(*(fine[0, :2].numpy() - centre)) < near_border
    assert (whole[0, :2] == whole[0, :2].round()).all()
    assert refine_centers(quality, torch.zeros(0, 2, dtype=torch.long), 1.0).shape == (0, 2)


@pytest.mark.parametrize('centre', [(-8.0, 30.0), (30.0, -8.0), (68.0, 30.0), (30.0, 68.0)])
def test_only_the_visible_part_of_a_grasp_is_painted(centre):
    maps, painted = grasps_to_maps(np.array([[*centre, 40.0, 20.0, 0.0]]), (60, 60), quality_sigma=0)
    rows, columns = np.nonzero(painted)
    assert len(rows)
    assert abs(rows.mean() - centre[1]) < 15  # on its own side, not on the other
    assert abs(columns.mean() - centre[0]) < 15
    assert np.isfinite(maps).all()


def test_grasps_far_outside_and_no_grasps_at_all_paint_nothing():
    for grasps in (np.zeros((0, 5)), np.array([[1e6, -1e6, 40.0, 20.0, 0.3]]), np.array([[-500.0, 20.0, 40, 20, 0]])):
        maps, painted = grasps_to_maps(grasps, (40, 40))
        assert not painted.any()
        assert (maps[0].max(), maps[1].min(), maps[2].max(), maps[3].max()) == (0, 1, 0, 0)


def test_a_grasp_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match=r'must be finite.*nan'):
        grasps_to_maps(np.array([[1.0, np.nan, 3.0, 4.0, 0.0]]), (8, 8))


@pytest.mark.parametrize('degrees', [-89, -60, -45, -20, 0, 10, 30, 45, 75, 90])
@pytest.mark.parametrize(('w', 'h'), [(30, 20), (60, 25), (90, 40)])
def test_a_round_trip_at_native_size_returns_the_grasp(degrees, w, h):
    truth = np.array([[250.0, 180.0, w, h, np.deg2rad(degrees)]])
    maps, painted = grasps_to_maps(truth, (480, 640))
    quality, cos, sin, width = torch.from_numpy(maps)
    grasps, scores = maps_to_grasps(quality, cos, sin, 100 * width, count=1)
    x, y, opening, jaw, theta = grasps[0].tolist()
    assert painted[int(y), int(x)]
    assert opening == pytest.approx(w, rel=0.03)
    assert jaw == 20
    assert abs((np.rad2deg(theta) - degrees + 90) % 180 - 90) < 1
    assert scores[0] == quality.max()
    assert maps_to_grasps(quality, cos, sin, 100 * width, 1, jaw_size=None)[0][0, 3] == pytest.approx(opening / 2)


def brute_force_peaks(values, d, threshold):
    """scikit-image's peak_local_max by its description, with SciPy's maximum filter and a loop over pairs."""
    height, width = values.shape
    if (values == values.flat[0]).all():
        return []
    maxima = (values == maximum_filter(values, 2 * d + 1, mode='constant', cval=-np.inf)) & (values > threshold)
    found = [
        (r, c)
        for r in range(d, height - d)
        for c in range(d, width - d)
        if maxima[r, c] and values[r, c] > values.min()
    ]
    found.sort(key=lambda rc: -values[rc])
    kept = []
    for r, c in found:
        if all(max(abs(r - r2), abs(c - c2)) > d for r2, c2 in kept):
            kept.append((r, c))
    return kept


@pytest.mark.parametrize('levels', [4, 30, 10000])
@pytest.mark.parametrize(('d', 'threshold'), [(1, -1.0), (2, 0.4), (5, 0.0)])
def test_peaks_are_those_of_a_brute_force_search(levels, d, threshold):
    rng = np.random.default_rng(levels + d)
    values = np.floor(gaussian_filter(rng.random((40, 50)), 0.7) * levels) / levels  # few levels: plateaus and ties
    found = find_peaks(torch.from_numpy(values), d, threshold).tolist()
    assert [tuple(peak) for peak in found] == brute_force_peaks(values, d, threshold)
    assert len(found) > 1


@pytest.mark.parametrize('levels', [3, 1000])
def test_the_first_peaks_of_a_limited_search_are_those_of_a_whole_one(levels):
    values = torch.from_numpy(np.random.default_rng(levels).integers(0, levels, (30, 40)) / levels)
    whole = find_peaks(values, 2)
    for limit in (0, 1, 5, len(whole), len(whole) + 3):
        assert find_peaks(values, 2, limit=limit).tolist() == whole[:limit].tolist()


def test_peaks_without_an_opening_are_passed_over_however_many_there_are():
    quality = torch.zeros(40, 40)
    quality[4:36:4, 4:36:4] = torch.linspace(1, 0.5, 64).reshape(8, 8)  # the best are in the upper rows
    width = torch.zeros(40, 40)
    width[30:] = 20
    grasps, scores = maps_to_grasps(quality, torch.ones(40, 40), torch.zeros(40, 40), width, count=3)
    assert grasps[:, :2].tolist() == [[4, 32], [8, 32], [12, 32]]
    assert scores.tolist() == quality[32, 4:16:4].tolist()


def test_constant_maps_have_no_peak_and_the_border_none_either():
    assert len(find_peaks(torch.full((9, 9), 0.7))) == 0
    corner = torch.zeros(9, 9)
    corner[1, 4] = 1
    assert len(find_peaks(corner, min_distance=2)) == 0
    assert find_peaks(corner, min_distance=1).tolist() == [[1, 4]]


def test_values_that_are_not_numbers_are_no_peaks():
    values = torch.zeros(9, 9)
    values[3, 3], values[5, 5] = torch.nan, 0.5
    assert find_peaks(values, 2).tolist() == [[5, 5]]


def test_grasps_without_opening_make_room_for_worse_ones():
    quality, width = torch.zeros(40, 40), torch.full((40, 40), 30.0)
    for score, (y, x) in ((0.9, (10, 10)), (0.8, (20, 20)), (0.7, (30, 30))):
        quality[y, x] = score
    width[10, 10], width[20, 20] = 0, torch.inf
    grasps, scores = maps_to_grasps(quality, torch.ones(40, 40), torch.zeros(40, 40), width, count=1)
    assert grasps[0, :2].tolist() == [30, 30]
    assert scores.tolist() == [pytest.approx(0.7)]


def test_more_grasps_asked_for_than_there_are_give_what_there_is():
    quality = torch.zeros(20, 20)
    quality[10, 10] = 1
    zeros = torch.zeros(20, 20)
    grasps, scores = maps_to_grasps(quality, zeros, zeros, zeros + 30, count=5)
    assert grasps.shape == (1, 5)
    assert grasps[0, 4] == 0  # cos and sin both 0
    assert len(scores) == 1
    assert maps_to_grasps(zeros, zeros, zeros, zeros, 5)[0].shape == (0, 5)


def test_smoothing_is_the_gaussian_of_scipy():
    values = torch.rand(30, 40)
    expected = gaussian_filter(values.numpy(), 2, mode='nearest')
    np.testing.assert_allclose(smooth_map(values, 2.0).numpy(), expected, atol=1e-5)
    assert smooth_map(values, 0) is values


@pytest.mark.parametrize('degrees', [-70, -45, -10, 0, 25, 60, 90])
def test_the_guess_from_a_mask_closes_across_its_narrow_side(degrees):
    bar = grasps_to_corners(np.array([100.0, 100.0, 30.0, 90.0, np.deg2rad(degrees)]))
    mask = np.zeros((200, 200), np.uint8)
    cv2.fillConvexPoly(mask, np.rint(bar).astype(np.int32), 1)
    mask[2:5, 2:5] = 1  # a smaller part elsewhere
    ((x, y, w, h, theta),) = mask_to_grasp(mask)
    assert (x, y) == (pytest.approx(100, abs=1), pytest.approx(100, abs=1))
    assert w == pytest.approx(1.1 * 31, abs=2)
    assert h == 20
    assert abs((np.rad2deg(theta) - degrees + 90) % 180 - 90) < 2
    assert mask_to_grasp(mask, jaw_size=None)[0, 3] == w / 2


def test_nothing_is_guessed_from_an_empty_mask():
    assert mask_to_grasp(np.zeros((8, 8), bool)).shape == (0, 5)
    assert mask_to_grasp(np.eye(8, dtype=bool)[:1]).shape == (1, 5)  # one pixel


def test_a_peak_beside_what_is_not_finite_and_a_weak_one_keep_their_places():
    quality = np.zeros((40, 40), np.float32)
    quality[10, 20], quality[10, 23] = 0.9, np.nan
    quality[30, 25] = 1e-14
    expected = torch.tensor([[10.0, 20], [30, 25]])
    assert refine_centers(torch.from_numpy(quality), expected.long(), 1.5).equal(expected)
    assert [refined(quality, peak, 1.5) for peak in ((10, 20), (30, 25))] == [(10, 20), (30, 25)]
    ones = torch.ones(40, 40)
    grasps, _ = maps_to_grasps(torch.from_numpy(quality), ones, ones, 9 * ones, count=5, center_sigma=1.5)
    assert grasps[:, [1, 0]].equal(expected)
