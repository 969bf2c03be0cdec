import numpy as np
from pycocotools import mask as coco_mask

from mmvg.datasets.readers.phrasecut import draw_polygons


def test_a_square_includes_its_outline_where_pycocotools_leaves_it_out():
    square = [2, 3, 6, 3, 6, 7, 2, 7]
    expected = np.zeros((10, 12), bool)
    expected[3:8, 2:7] = True  # five by five: both ends belong to it
    np.testing.assert_array_equal(draw_polygons([square], 10, 12), expected)
    assert coco_mask.area(coco_mask.merge(coco_mask.frPyObjects([square], 10, 12))) == 16


def test_coordinates_are_cut_and_not_rounded():
    np.testing.assert_array_equal(
        draw_polygons([[2.9, 3.9, 6.9, 3.9, 6.9, 7.9, 2.9, 7.9]], 10, 12),
        draw_polygons([[2, 3, 6, 3, 6, 7, 2, 7]], 10, 12),
    )
    np.testing.assert_array_equal(
        draw_polygons([[-0.9, 0, 3, 0, 3, 3, -0.9, 3]], 10, 12), draw_polygons([[0, 0, 3, 0, 3, 3, 0, 3]], 10, 12)
    )


def test_polygons_are_united_and_overlaps_count_once():
    mask = draw_polygons([[0, 0, 3, 0, 3, 3, 0, 3], [2, 2, 5, 2, 5, 5, 2, 5]], 8, 8)
    assert mask.dtype == bool
    assert mask.sum() == 16 + 16 - 4


def test_two_points_make_a_line_and_one_makes_nothing():
    assert draw_polygons([[1, 2, 4, 2]], 5, 6).nonzero()[1].tolist() == [1, 2, 3, 4]
    assert not draw_polygons([[1, 2]], 5, 6).any()
    assert not draw_polygons([], 5, 6).any()


def test_what_lies_outside_is_cut_off():
    mask = draw_polygons([[-5, -5, 1, -5, 1, 1, -5, 1]], 4, 6)
    assert mask.shape == (4, 6)
    assert mask.sum() == 4
