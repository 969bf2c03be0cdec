import math

import numpy as np
import pytest
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks

from mmvg.datasets.transforms import RandomTurnZoom
from mmvg.datasets.transforms.random_turn_zoom import turn_zoom_matrix
from mmvg.structures import transform_grasps


def sample():
    """A square image of 40 pixels with one bright rectangle, which is the mask and the box as well."""
    image = np.zeros((40, 40, 3), np.uint8)
    image[13:19, 14:30] = 200
    mask = (image[..., 0] > 0).astype(np.uint8)
    boxes = HorizontalBoxes(np.array([[14, 13, 30, 19]], np.float32))
    return dict(img=image, gt_masks=BitmapMasks(mask[None], 40, 40), gt_bboxes=boxes)


def applied(quarters, share, monkeypatch):
    step = RandomTurnZoom()
    monkeypatch.setattr(step, 'draw', lambda: (quarters, share))
    return step(sample())


@pytest.mark.parametrize('quarters', [0, 1, 2, 3])
def test_a_quarter_turn_is_exact_and_counter_clockwise(quarters, monkeypatch):
    results = applied(quarters, 1.0, monkeypatch)
    assert np.array_equal(results['img'], np.rot90(sample()['img'], quarters))
    assert np.array_equal(results['gt_masks'].masks[0], np.rot90(sample()['gt_masks'].masks[0], quarters))


@pytest.mark.parametrize(('quarters', 'share'), [(0, 0.5), (1, 0.8), (3, 0.6), (2, 1.0)])
def test_image_mask_box_and_grasps_go_together(quarters, share, monkeypatch):
    results = applied(quarters, share, monkeypatch)
    mask = results['gt_masks'].masks[0]
    bright = results['img'][..., 0] > 100
    assert np.mean(mask != bright) < 0.02
    rows, columns = mask.nonzero()
    around = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert np.abs(results['gt_bboxes'].tensor[0].numpy() - around).max() <= 1
    # a grasp across the rectangle stays one: its corners, cut to the image, are those of the box
    grasp = transform_grasps(np.array([[22, 16, 16, 6, 0.0]]), results['homography_matrix'])
    assert grasp[0, 2:4] == pytest.approx([16 / share, 6 / share], rel=1e-5)
    assert abs(math.sin(grasp[0, 4])) == pytest.approx(quarters % 2, abs=1e-5)


def test_the_middle_stays_where_it_is():
    for quarters in range(4):
        moved = turn_zoom_matrix(60, 40, quarters, 0.7) @ [30, 20, 1]
        assert moved == pytest.approx([30, 20, 1])


def test_a_counter_clockwise_turn_of_the_picture_adds_to_the_angle():
    matrix = turn_zoom_matrix(40, 40, 1, 1.0)
    assert transform_grasps(np.array([[10, 10, 8, 4, 0.2]]), matrix)[0, 4] == pytest.approx(0.2 - math.pi / 2)


def test_it_adds_to_what_was_recorded_before(monkeypatch):
    step = RandomTurnZoom()
    monkeypatch.setattr(step, 'draw', lambda: (1, 0.5))
    before = np.array([[2, 0, 5], [0, 2, 3], [0, 0, 1]], np.float32)
    results = step(sample() | dict(homography_matrix=before))
    assert results['homography_matrix'] == pytest.approx(turn_zoom_matrix(40, 40, 1, 0.5) @ before)


def test_without_turn_and_zoom_nothing_changes():
    results = RandomTurnZoom(turn=False, zoom=(1.0, 1.0))(sample())
    assert np.array_equal(results['img'], sample()['img'])
    assert np.array_equal(results['homography_matrix'], np.eye(3))


def test_draws_cover_the_range():
    np.random.seed(0)
    step = RandomTurnZoom()
    draws = [step.draw() for _ in range(200)]
    assert {quarters for quarters, _ in draws} == {0, 1, 2, 3}
    shares = [share for _, share in draws]
    assert 0.5 <= min(shares) < 0.55
    assert 0.95 < max(shares) <= 1


def test_no_mask_is_an_empty_stack(monkeypatch):
    results = RandomTurnZoom()(sample() | dict(gt_masks=BitmapMasks(np.zeros((0, 40, 40), np.uint8), 40, 40)))
    assert results['gt_masks'].masks.shape == (0, 40, 40)


@pytest.mark.parametrize('zoom', [(0.0, 1.0), (0.8, 0.5), (0.5, 1.5)])
def test_an_impossible_range_is_refused(zoom):
    with pytest.raises(ValueError, match='zoom'):
        RandomTurnZoom(zoom=zoom)
