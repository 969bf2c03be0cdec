import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmvg.structures import input_to_original_boxes, input_to_original_masks, input_to_original_points


def meta(sx: float, sy: float, tx: float, ty: float, ori_shape: tuple[int, int]) -> dict:
    matrix = np.array([[sx, 0, tx], [0, sy, ty], [0, 0, 1]], dtype=np.float32)
    return {'homography_matrix': matrix, 'ori_shape': ori_shape, 'img_path': 'a.jpg'}


def test_boxes_and_points_come_back_from_a_letterbox():
    # 640x480 in 416x416: scale 0.65, offset (0, 52)
    letterbox = meta(0.65, 0.65, 0, 52, (480, 640))
    boxes = torch.tensor([[65.0, 117.0, 130.0, 182.0], [0.0, 52.0, 416.0, 364.0]])
    expected = torch.tensor([[100.0, 100.0, 200.0, 200.0], [0.0, 0.0, 640.0, 480.0]])
    torch.testing.assert_close(input_to_original_boxes(boxes, letterbox), expected)
    torch.testing.assert_close(
        input_to_original_points(torch.tensor([65.0, 117.0]), letterbox), torch.tensor([100.0, 100.0])
    )


def test_boxes_come_back_from_a_resize_that_distorts():
    resize = meta(0.5, 2.0, 0, 0, (100, 200))
    assert input_to_original_boxes(torch.tensor([[10.0, 20.0, 30.0, 40.0]]), resize).tolist() == [[20, 10, 60, 20]]


def test_boxes_that_reach_into_the_border_are_clipped_to_the_image():
    letterbox = meta(0.5, 0.5, 0, 10, (40, 80))
    assert input_to_original_boxes(torch.tensor([[-5.0, 0.0, 50.0, 50.0]]), letterbox).tolist() == [[0, 0, 80, 40]]


def test_a_sample_whose_image_was_not_moved_stays_as_it_is():
    masks = torch.rand(2, 4, 5) > 0.5
    boxes = torch.tensor([[0.5, 1.0, 3.5, 4.0]])
    assert input_to_original_masks(masks, {'ori_shape': (4, 5)}).equal(masks)
    assert input_to_original_boxes(boxes, {'ori_shape': (4, 5)}).equal(boxes)


@pytest.mark.parametrize('size', [(7, 5), (9, 13), (23, 6), (31, 64)])
def test_masks_come_back_exactly_when_the_input_is_larger(size):
    original = torch.rand(3, 7, 5, generator=torch.Generator().manual_seed(0)) > 0.5
    enlarged = F.interpolate(original[None].to(torch.uint8), size=size, mode='nearest-exact')[0].bool()
    resize = meta(size[1] / 5, size[0] / 7, 0, 0, (7, 5))
    back = input_to_original_masks(enlarged, resize)
    assert back.dtype == torch.bool
    assert back.equal(original)


def test_the_border_of_a_letterbox_is_cut_away_before_scaling():
    original = torch.rand(2, 3, 6, generator=torch.Generator().manual_seed(0)) > 0.5
    canvas = torch.ones(2, 12, 12, dtype=torch.bool)  # a border that must not come back
    canvas[:, 3:9] = original.repeat_interleave(2, 1).repeat_interleave(2, 2)
    assert input_to_original_masks(canvas, meta(2, 2, 0, 3, (3, 6))).equal(original)


def test_float_maps_are_interpolated():
    ramp = torch.tensor([[[0.0, 1.0]]])
    back = input_to_original_masks(ramp, meta(0.5, 0.5, 0, 0, (2, 4)), mode='bilinear')
    torch.testing.assert_close(back, torch.tensor([[[0.0, 0.25, 0.75, 1.0]] * 2]).reshape(1, 2, 4))


def test_no_mask_and_no_box_stay_none():
    resize = meta(2, 2, 0, 0, (3, 4))
    assert input_to_original_masks(torch.zeros(0, 6, 8, dtype=torch.bool), resize).shape == (0, 3, 4)
    assert input_to_original_boxes(torch.zeros(0, 4), resize).shape == (0, 4)


def test_a_flip_cannot_be_undone_and_the_error_names_the_image():
    with pytest.raises(ValueError, match=r'a\.jpg.*take flips'):
        input_to_original_boxes(torch.zeros(1, 4), meta(-1, 1, 10, 0, (4, 4)))


def test_masks_at_a_stride_are_refused():
    with pytest.raises(ValueError, match=r'masks are \(20, 20\).*\(80, 80\)'):
        input_to_original_masks(torch.zeros(1, 20, 20), meta(1, 1, 0, 0, (80, 80)))


def test_a_crop_cannot_be_undone_and_the_error_names_the_image():
    cropped = meta(1, 1, 0, -8, (32, 32)) | dict(img_path='cut.png')
    with pytest.raises(ValueError, match=r'cut\.png: the image begins at \(-8, 0\).*take crops out'):
        input_to_original_masks(torch.zeros(1, 24, 32), cropped)
