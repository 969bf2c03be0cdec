import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmvg.datasets.transforms import Letterbox, Resize
from mmvg.export.placement import place, resize_maps
from mmvg.structures import input_to_original_boxes, input_to_original_masks, input_to_original_points

DRAW = np.random.default_rng(0)
PICTURES = [DRAW.integers(0, 256, (*size, 3), np.uint8) for size in [(48, 64), (71, 33)]]


@pytest.mark.parametrize('picture', PICTURES, ids=['wide', 'high'])
@pytest.mark.parametrize('interpolation', ['bilinear', 'bicubic'])
@pytest.mark.parametrize(('letterbox', 'backend'), [(False, 'cv2'), (False, 'pillow'), (True, 'cv2')])
def test_a_picture_is_placed_as_the_transforms_place_it_and_comes_back_the_same_way(
    picture, interpolation, letterbox, backend
):
    if letterbox:
        step = Letterbox(size=(40, 56), interpolation=interpolation, pad_value=(104, 117, 123))
    else:
        step = Resize(scale=(40, 56), keep_ratio=False, interpolation=interpolation, backend=backend)
    expected = step(dict(img=picture))
    meta = dict(expected, ori_shape=picture.shape[:2])
    placed, placement = place(picture, (40, 56), letterbox, interpolation, (104, 117, 123), backend)
    assert np.array_equal(placed, expected['img'])
    points, boxes = torch.rand(5, 2) * 40, torch.rand(5, 4) * 50 - 5
    assert np.array_equal(placement.points(points.numpy()), input_to_original_points(points, meta))
    assert np.array_equal(placement.boxes(boxes.numpy()), input_to_original_boxes(boxes, meta))
    maps = torch.rand(3, 56, 40)
    for mode in ('bilinear', 'bicubic'):
        back = input_to_original_masks(maps, meta, mode).numpy()
        np.testing.assert_allclose(placement.maps(maps.numpy(), mode), back, atol=1e-5)


@pytest.mark.parametrize('align_corners', [False, True])
@pytest.mark.parametrize('size', [(8, 8), (31, 17), (5, 40), (1, 1)])
def test_maps_are_resized_as_pytorch_does(size, align_corners):
    maps = torch.randn(3, 8, 8)
    expected = F.interpolate(maps[None], size=size, mode='bilinear', align_corners=align_corners)[0]
    np.testing.assert_allclose(resize_maps(maps.numpy(), size, align_corners=align_corners), expected, atol=1e-5)


def test_no_maps_are_resized_to_none():
    assert resize_maps(np.zeros((0, 8, 8), np.float32), (4, 4)).shape == (0, 4, 4)
