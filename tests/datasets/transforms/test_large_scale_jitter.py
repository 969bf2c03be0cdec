import numpy as np
import pytest
import torch
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks

from mmvg.datasets.transforms import LargeScaleJitter
from mmvg.datasets.transforms.large_scale_jitter import least_coverage


def sample(*boxes, height=60, width=80):
    """A picture whose targets are white rectangles on black."""
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    masks = np.zeros((len(boxes), height, width), np.uint8)
    for mask, (x0, y0, x1, y1) in zip(masks, boxes.astype(int), strict=True):
        mask[y0:y1, x0:x1] = 1
    image = np.repeat(masks.max(0, initial=0)[..., None] * np.uint8(255), 3, axis=2)
    return dict(
        img=image,
        gt_bboxes=HorizontalBoxes(torch.from_numpy(boxes)),
        gt_masks=BitmapMasks(masks, height, width),
    )


@pytest.mark.parametrize(('scale', 'shape'), [(0.5, (30, 40)), (1.0, (60, 80)), (1.4, (60, 80))])
def test_a_picture_is_never_larger_than_at_scale_1(scale, shape):
    results = LargeScaleJitter(size=80, scales=(scale, scale))(sample([20, 20, 40, 40]))
    assert results['img'].shape == (*shape, 3)
    assert results['img_shape'] == shape
    assert results['gt_masks'].masks.shape == (1, *shape)


@pytest.mark.parametrize('scale', [0.4, 1.3])
def test_boxes_masks_and_matrix_go_with_the_picture(scale):
    np.random.seed(0)
    results = LargeScaleJitter(size=160, scales=(scale, scale))(sample([20, 16, 40, 40]))
    (box,) = results['gt_bboxes'].tensor.numpy()
    corners = results['homography_matrix'] @ np.array([[20, 40], [16, 40], [1, 1]])
    np.testing.assert_allclose(box, corners[:2].T.flatten(), atol=1e-3)  # this window covers all of it
    rows, columns = np.nonzero(results['gt_masks'].masks[0])
    inside = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    np.testing.assert_allclose(inside, box, atol=0.51)
    rows, columns = np.nonzero(results['img'][..., 0] > 127)
    np.testing.assert_allclose([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], box, atol=1.01)


def test_windows_cover_the_targets_as_far_as_asked():
    np.random.seed(0)
    least = []
    for _ in range(30):
        results = LargeScaleJitter(size=80, scales=(1.4, 1.4))(sample([0, 0, 16, 16], [30, 10, 40, 40]))
        least.append((results['gt_bboxes'].areas.numpy() / 1.4**2 / [256, 300]).min())
    assert min(least) > 0.69  # one window in a hundred covers 0.9 here, and many cover 0.7
    assert 0.3 < np.mean(np.array(least) > 0.89) < 1


def test_a_picture_stays_whole_where_no_window_covers_enough():
    given = sample([0, 0, 8, 60], [72, 0, 80, 60])
    before = given['img'].copy()
    results = LargeScaleJitter(size=80, scales=(3.0, 3.0))(given)
    assert np.array_equal(results['img'], before)
    assert 'homography_matrix' not in results


def test_without_targets_any_window_will_do():
    results = LargeScaleJitter(size=80, scales=(1.4, 1.4))(sample())
    assert results['img'].shape == (60, 80, 3)
    assert results['gt_masks'].masks.shape == (0, 60, 80)
    assert least_coverage(np.zeros((0, 4)), np.zeros((3, 2)), (4, 4)).tolist() == [1, 1, 1]


def test_an_impossible_range_is_refused():
    with pytest.raises(ValueError, match=r'range above 0, not \(0, 1\)'):
        LargeScaleJitter(scales=(0, 1))
