import cv2
import numpy as np
import pytest
import torch
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks

from mmvg.datasets.transforms import Letterbox
from mmvg.structures import input_to_original_boxes, input_to_original_masks


def sample(height: int, width: int, num_targets: int = 2) -> dict:
    rng = np.random.default_rng(height * 100 + width)
    corners = rng.uniform(0, [width, height], (num_targets, 2, 2))
    boxes = np.concatenate([corners.min(1), corners.max(1)], 1).reshape(-1, 4)
    return {
        'img': rng.integers(0, 256, (height, width, 3), dtype=np.uint8),
        'img_shape': (height, width),
        'ori_shape': (height, width),
        'gt_bboxes': HorizontalBoxes(boxes, dtype=torch.float32),
        'gt_masks': BitmapMasks(rng.integers(0, 2, (num_targets, height, width), dtype=np.uint8), height, width),
    }


def test_the_geometry_is_that_of_the_papers():
    # 640x480 to 416: scale 0.65, offset (0, 52); to 224: 0.35, (0, 28)
    results = Letterbox(416)(sample(480, 640))
    np.testing.assert_allclose(results['homography_matrix'], [[0.65, 0, 0], [0, 0.65, 52], [0, 0, 1]], rtol=1e-6)
    assert results['padding'] == (0, 52, 0, 52)
    assert results['img_shape'] == results['pad_shape'] == results['img'].shape[:2] == (416, 416)
    results = Letterbox(224)(sample(480, 640))
    np.testing.assert_allclose(results['homography_matrix'], [[0.35, 0, 0], [0, 0.35, 28], [0, 0, 1]], rtol=1e-6)


def test_the_odd_row_or_column_of_the_border_is_the_last():
    assert Letterbox((25, 20))(sample(20, 20))['padding'] == (2, 0, 3, 0)
    assert Letterbox((20, 25))(sample(20, 20))['padding'] == (0, 2, 0, 3)


def test_the_image_is_in_the_middle_of_the_border_colour():
    before = sample(10, 20)
    image = before['img'].copy()
    results = Letterbox((24, 40), pad_value=(104.09, 116.67, 122.77))(before)  # 24 wide, 40 high: scale 1.2
    assert results['img'].shape == (40, 24, 3)
    assert results['padding'] == (0, 14, 0, 14)
    assert (results['img'][14:26] == cv2.resize(image, (24, 12), interpolation=cv2.INTER_LINEAR)).all()
    border = np.concatenate([results['img'][:14], results['img'][26:]]).reshape(-1, 3)
    assert np.unique(border, axis=0).tolist() == [[104, 117, 123]]
    assert not results['gt_masks'].masks[:, :14].any()
    assert not results['gt_masks'].masks[:, 26:].any()


@pytest.mark.parametrize('shape', [(7, 13), (13, 7), (30, 30), (1, 50), (37, 23)])
@pytest.mark.parametrize('size', [64, (65, 90)])
@pytest.mark.parametrize('num_targets', [0, 1, 3])
def test_boxes_and_masks_come_back_exactly(shape, size, num_targets):
    before = sample(*shape, num_targets)
    boxes, masks = before['gt_bboxes'].tensor.clone(), torch.from_numpy(before['gt_masks'].masks.copy()).bool()
    results = Letterbox(size)(before)
    assert (results['gt_masks'].height, results['gt_masks'].width) == results['img_shape']
    back = input_to_original_boxes(results['gt_bboxes'].tensor, results)
    torch.testing.assert_close(back, boxes, atol=1e-4, rtol=0)
    assert input_to_original_masks(torch.from_numpy(results['gt_masks'].masks).bool(), results).equal(masks)


def test_a_pixel_of_a_reduced_mask_is_covered_by_half_or_more():
    before = sample(6, 6, 1)
    mask = before['gt_masks'].masks[0].copy()
    results = Letterbox(2)(before)
    share = mask.reshape(2, 3, 2, 3).mean((1, 3))
    assert (results['gt_masks'].masks[0] == (share >= 0.5)).all()


def test_a_very_flat_image_keeps_one_row():
    results = Letterbox(16)(sample(1, 400))
    assert results['padding'] == (0, 7, 0, 8)


def test_boxes_across_the_border_are_clipped_to_the_image():
    before = sample(10, 20, 0)
    before['gt_bboxes'] = HorizontalBoxes([[-5.0, 2.0, 30.0, 12.0]], dtype=torch.float32)
    del before['gt_masks']
    assert Letterbox(40)(before)['gt_bboxes'].tensor.tolist() == [[0, 14, 40, 30]]


def test_it_adds_to_an_earlier_homography():
    before = sample(10, 20)
    before['homography_matrix'] = np.diag([0.5, 0.5, 1]).astype(np.float32)
    after = Letterbox(40)(before)['homography_matrix']
    np.testing.assert_allclose(after, [[1, 0, 0], [0, 1, 10], [0, 0, 1]])


def test_an_image_alone_is_moved_in_a_test_pipeline():
    image = sample(10, 20)['img']
    results = Letterbox(40)({'img': image})
    assert 'gt_bboxes' not in results
    assert results['img'].shape == (40, 40, 3)


@pytest.mark.parametrize('size', [0, (4, 0), (1, 2, 3)])
def test_an_impossible_size_is_refused(size):
    with pytest.raises(ValueError, match='Letterbox: size'):
        Letterbox(size)
