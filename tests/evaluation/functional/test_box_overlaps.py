"""Boxes against exact fractions, hand calculations and torchvision."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from torchvision.ops import box_iou, generalized_box_iou

from mmvg.evaluation.functional import box_overlaps


def slow_overlap(a, b, mode):
    """One pair in exact fractions, straight from the definitions."""
    a, b = ([Fraction(float(value)) for value in box] for box in (a, b))
    area_a, area_b = ((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    width = max(Fraction(0), min(a[2], b[2]) - max(a[0], b[0]))
    height = max(Fraction(0), min(a[3], b[3]) - max(a[1], b[1]))
    union = area_a + area_b - width * height
    iou = width * height / union if union else Fraction(0)
    hull = (max(a[2], b[2]) - min(a[0], b[0])) * (max(a[3], b[3]) - min(a[1], b[1]))
    return iou if mode == 'iou' or not hull else iou - (hull - union) / hull


def random_boxes(rng, count, size=6):
    """Small whole coordinates, so that ties, touching, nested and empty boxes are frequent."""
    corners = np.sort(rng.integers(0, size, (count, 2, 2)), axis=1)
    return corners.reshape(count, 4).astype(np.float64)


@pytest.mark.parametrize('mode', ['iou', 'giou'])
def test_whole_coordinates_give_the_correctly_rounded_fraction(mode):
    rng = np.random.default_rng(0)
    for _ in range(500):
        boxes1, boxes2 = random_boxes(rng, 2), random_boxes(rng, 3)
        expected = [[float(slow_overlap(a, b, mode)) for b in boxes2] for a in boxes1]
        np.testing.assert_array_equal(box_overlaps(boxes1, boxes2, mode), expected)


@pytest.mark.parametrize(('mode', 'reference'), [('iou', box_iou), ('giou', generalized_box_iou)])
def test_boxes_with_area_agree_with_torchvision(mode, reference):
    rng = np.random.default_rng(1)
    corners = rng.uniform(0, 300, (2, 2000, 2))
    boxes1, boxes2 = (np.concatenate([c, c + rng.uniform(1, 200, c.shape)], 1) for c in corners)
    expected = reference(torch.from_numpy(boxes1[:100]), torch.from_numpy(boxes2)).numpy()
    np.testing.assert_allclose(box_overlaps(boxes1[:100], boxes2, mode), expected, atol=1e-12)


def test_a_shift_by_17_pixels_passes_by_iou_and_fails_by_giou():
    box = np.array([[0.0, 0.0, 100.0, 100.0]])
    # I = 83 * 83 = 6889, U = 20000 - 6889 = 13111, C = 117 * 117 = 13689
    assert box_overlaps(box, box + 17, 'iou')[0, 0] == pytest.approx(6889 / 13111)  # 0.525
    assert box_overlaps(box, box + 17, 'giou')[0, 0] == pytest.approx(6889 / 13111 - 578 / 13689)  # 0.483


def test_pixels_are_not_counted_with_a_plus_one():
    assert box_overlaps(np.array([[0, 0, 2, 2]]), np.array([[1, 0, 3, 2]]))[0, 0] == pytest.approx(2 / 6)


def test_boxes_without_area_overlap_nothing():
    point, line, box = [5, 5, 5, 5], [0, 0, 10, 0], [0, 0, 10, 10]
    assert box_overlaps(np.array([point]), np.array([point, line, box]), 'iou').tolist() == [[0, 0, 0]]
    assert box_overlaps(np.array([point]), np.array([point]), 'giou').tolist() == [[0]]
    assert box_overlaps(np.array([point]), np.array([[9, 9, 9, 9]]), 'giou').tolist() == [[-1]]


def test_no_boxes_give_an_empty_table():
    none, one = np.zeros((0, 4)), np.ones((1, 4))
    assert box_overlaps(none, one, 'giou').shape == (0, 1)
    assert box_overlaps(one, none).shape == (1, 0)


@pytest.mark.parametrize(
    ('box', 'message'),
    [
        ([0, 0, np.nan, 1], 'box 1, .*not finite'),
        ([0, 0, np.inf, 1], 'box 1, .*not finite'),
        ([3, 0, 1, 1], 'box 1, .*x2 < x1'),
        ([0, 3, 1, 1], 'box 1, .*y2 < y1'),
    ],
)
def test_a_bad_box_is_named(box, message):
    with pytest.raises(ValueError, match=message):
        box_overlaps(np.array([[0, 0, 1, 1], box]), np.ones((1, 4)))


def test_other_shapes_and_modes_are_refused():
    with pytest.raises(ValueError, match=r'\(N, 4\), not \(2, 5\)'):
        box_overlaps(np.ones((2, 5)), np.ones((1, 4)))
    with pytest.raises(ValueError, match="'diou'"):
        box_overlaps(np.ones((1, 4)), np.ones((1, 4)), 'diou')
