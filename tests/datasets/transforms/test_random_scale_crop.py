import numpy as np
import pytest
import torch
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks

from mmvg.datasets.transforms import RandomScaleCrop


def sample(*boxes, text='the ring', height=60, width=80):
    """A picture whose targets are white rectangles on black."""
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    masks = np.zeros((len(boxes), height, width), np.uint8)
    for mask, (x0, y0, x1, y1) in zip(masks, boxes.astype(int), strict=True):
        mask[y0:y1, x0:x1] = 1
    image = np.repeat(masks.max(0, initial=0)[..., None] * np.uint8(255), 3, axis=2)
    return dict(
        img=image,
        text=text,
        gt_bboxes=HorizontalBoxes(torch.from_numpy(boxes)),
        gt_masks=BitmapMasks(masks, height, width),
    )


SMALL = dict(size=48, step=8, num_sizes=3, short_sides=(40, 50, 60), windows=(36, 60))


def matrices(text, boxes=((20, 16, 40, 40),), runs=60, **options):
    np.random.seed(0)
    return [RandomScaleCrop(**SMALL | options)(sample(*boxes, text=text)) for _ in range(runs)]


def test_boxes_and_masks_go_with_the_picture_and_the_matrix_says_where():
    for results in matrices('the ring', crop_prob=1.0):
        (box,) = results['gt_bboxes'].tensor.numpy()
        corners = results['homography_matrix'] @ np.array([[20, 40], [16, 40], [1, 1]])
        height, width = results['img_shape']
        expected = corners[:2].T.clip(0, [width, height]).flatten()
        np.testing.assert_allclose(box, expected, atol=1e-3)
        x, y = corners[:2].mean(1)
        assert 0 <= x < width
        assert 0 <= y < height
        rows, columns = np.nonzero(results['gt_masks'].masks[0])
        inside = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(inside, box, atol=1.01)
        assert results['gt_masks'].masks.shape[1:] == results['img'].shape[:2] == results['img_shape']


def test_the_longer_side_has_one_of_the_sizes():
    found = {max(results['img_shape']) for results in matrices('the ring')}
    assert found == {48, 40, 32}


def test_a_half_is_cut_and_nothing_where_the_sentence_says_where():
    whole = [results['img_shape'][1] / results['img_shape'][0] == pytest.approx(4 / 3, abs=0.05)
             for results in matrices('the ring')]  # fmt: skip
    assert 0.3 < np.mean(whole) < 0.8
    for text in ('the Leftmost ring', 'ring at the top'):
        for results in matrices(text, crop_prob=1.0):
            assert results['homography_matrix'][0, 2] == results['homography_matrix'][1, 2] == 0
            assert results['homography_matrix'][0, 0] == pytest.approx(max(results['img_shape']) / 80)


def test_a_window_holds_the_centres_of_all_targets_or_the_picture_stays_whole():
    apart = ((0, 0, 2, 2), (78, 58, 80, 60))
    options = dict(crop_prob=1.0, windows=(36, 38), short_sides=(60,))
    assert all(results['homography_matrix'][0, 2] == 0 for results in matrices('rings', apart, 10, **options))
    assert any(results['homography_matrix'][0, 2] < 0 for results in matrices('rings', runs=10, **options))


def test_a_picture_without_targets_is_cut_anywhere():
    assert any(results['homography_matrix'][0, 2] < 0 for results in matrices('ring', (), 20, crop_prob=1.0))


def test_sizes_below_one_pixel_are_refused():
    with pytest.raises(ValueError, match='go below 1'):
        RandomScaleCrop(size=64)
