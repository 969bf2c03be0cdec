import copy

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from mmvg.datasets.readers.segmentations import check_segmentation

H, W = 6, 8
TRIANGLE = [1, 1, 5, 1, 1, 4]


def kinds(checked) -> list[str]:
    return [kind for kind, _ in checked.problems]


def test_good_polygons_pass_unchanged_as_floats():
    segmentation = [TRIANGLE, [0.5, 0.5, 2, 0.5, 2, 2, 0.5, 2]]
    checked = check_segmentation(segmentation, H, W)
    assert checked.mask == segmentation
    assert checked.problems == []
    assert not checked.covers_nothing
    assert all(isinstance(value, float) for polygon in checked.mask for value in polygon)


@pytest.mark.parametrize(
    ('polygon', 'what'),
    [
        ([], '0 numbers'),
        ([1, 1, 5, 1], '4 numbers'),
        ([*TRIANGLE, 2], 'odd number'),
        ([*TRIANGLE[:-1], float('nan')], 'NaN'),
        ([*TRIANGLE[:-1], float('inf')], 'NaN or infinite'),
        ([*TRIANGLE[:-1], 1e9], '1e\\+09 in an image of 8x6'),
        ([*TRIANGLE[:-1], '4'], 'not a flat list of numbers'),
        ([*TRIANGLE[:-1], None], 'not a flat list of numbers'),
        ([[1, 1], [5, 1], [1, 4]], 'not a flat list of numbers'),
        ([[1, 1], [5, 1, 2]], 'not a flat list of numbers'),
        (None, 'NoneType'),
        (7, 'int'),
        ({'size': [H, W], 'counts': [48]}, 'dict'),
    ],
)
def test_a_damaged_polygon_is_named_and_the_others_stay(polygon, what):
    alone = check_segmentation([polygon], H, W)
    assert alone.mask is None
    assert kinds(alone) == ['damaged polygon', 'empty segmentation']
    both = check_segmentation([TRIANGLE, polygon], H, W)
    assert both.mask == [TRIANGLE]
    assert kinds(both) == ['damaged polygon']
    assert both.problems[0][1].startswith('polygon 1 ')
    with pytest.raises(AssertionError, match=what):
        raise AssertionError(both.problems[0][1])


@pytest.mark.parametrize('segmentation', [[], [[]], None, 'text', 3.0])
def test_an_empty_segmentation_is_empty(segmentation):
    checked = check_segmentation(segmentation, H, W)
    assert checked.mask is None
    assert 'empty segmentation' in kinds(checked)


@pytest.mark.parametrize(
    'polygon',
    [
        [20, 1, 25, 1, 20, 4],  # right of the image
        [1, -9, 5, -9, 1, -8],  # above it
        [1, 1, 1, 1, 1, 1],  # a point
        [1, 1, 5, 5, 1, 1],  # a line there and back
    ],
)
def test_polygons_that_cover_nothing_are_said_to(polygon):
    checked = check_segmentation([polygon], H, W)
    assert checked.covers_nothing
    assert coco_mask.area(coco_mask.merge(coco_mask.frPyObjects(checked.mask, H, W))) == 0
    assert not check_segmentation([polygon, TRIANGLE], H, W).covers_nothing


def random_masks() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    masks = [rng.random((H, W)) < p for p in (0.1, 0.5, 0.9)]
    big = np.zeros((300, 400), bool)
    big[20:250, 30:380] = True
    return [*masks, big, np.zeros((H, W), bool), np.ones((H, W), bool)]


@pytest.mark.parametrize('mask', random_masks())
def test_an_rle_in_any_form_is_the_mask(mask):
    height, width = mask.shape
    rle = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    flat = mask.flatten(order='F')
    changes = np.flatnonzero(np.diff(flat.astype(int))) + 1
    expected = np.diff([0, *changes, flat.size]).tolist()
    if flat[0]:
        expected = [0, *expected]
    for counts in (rle['counts'], rle['counts'].decode(), expected):
        checked = check_segmentation(dict(size=[height, width], counts=counts), height, width)
        assert checked.problems == []
        assert checked.covers_nothing == (not mask.any())
        assert isinstance(checked.mask['counts'], str | list)
        as_rle = checked.mask
        if isinstance(as_rle['counts'], list):
            as_rle = coco_mask.frPyObjects(copy.deepcopy(as_rle), height, width)
        np.testing.assert_array_equal(coco_mask.decode(as_rle).astype(bool), mask)


@pytest.mark.parametrize(
    ('rle', 'what'),
    [
        (dict(size=[W, H], counts=[48]), 'not the image size'),
        (dict(counts=[48]), "['size'] missing"),
        (dict(size=[H, W], counts=[10, 5]), 'sum to 15'),
        (dict(size=[H, W], counts=[40, 20]), 'sum to 60'),
        (dict(size=[H, W], counts=[50, -2]), 'whole number'),
        (dict(size=[H, W], counts=[47.0, 1]), 'whole number'),
        (dict(size=[H, W], counts=[float('nan')]), 'whole number'),
        (dict(size=[H, W], counts=None), 'NoneType'),
        (dict(size=[H, W]), "['counts'] missing"),
        (dict(size=[H, W], counts='`'), 'inside a number'),  # bit 6 set: more follows
        (dict(size=[H, W], counts='\x7f1'), 'foreign character'),
        (dict(size=[H, W], counts='0\n'), 'foreign character'),
        (dict(size=[H, W], counts='@'), 'negative run'),  # bits 10000: -16
        (dict(size=[H, W], counts='\u20ac'), 'foreign character'),
        (dict(size=[H, W], counts='11'), 'sum to 2'),
    ],
)
def test_a_damaged_rle_is_refused(rle, what):
    checked = check_segmentation(rle, H, W)
    assert checked.mask is None
    assert kinds(checked) == ['damaged RLE']
    assert what in checked.problems[0][1]
