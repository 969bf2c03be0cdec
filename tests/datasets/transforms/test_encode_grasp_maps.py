import numpy as np
import pytest
import torch

from mmvg.datasets.transforms import EncodeGraspMaps, Letterbox, RandomTurnZoom
from mmvg.models.postprocess import GraspPostprocess
from mmvg.structures import GroundingSample


def letterboxed(grasps, size=224, shape=(480, 640), **settings):
    results = dict(img=np.zeros((*shape, 3), np.uint8), img_path='a.png', gt_grasps=np.array(grasps, np.float32))
    return EncodeGraspMaps(**settings)(Letterbox(size)(results))


def test_maps_lie_on_the_canvas_where_the_letterbox_put_the_object():
    results = letterboxed([[320, 240, 80, 40, 0.3]])
    maps, painted = results['gt_grasp_maps'].maps, results['gt_grasp_maps'].painted
    assert (maps.shape, maps.dtype) == ((4, 224, 224), torch.float32)
    assert (painted.shape, painted.dtype) == ((1, 224, 224), torch.bool)
    _, y, x = painted.nonzero().float().mean(0).tolist()
    assert x == pytest.approx(0.35 * 320, abs=1)
    assert y == pytest.approx(28 + 0.35 * 240, abs=1)
    assert maps[3].max() == pytest.approx(0.8, abs=0.02)  # 28 of 35 input pixels
    centre = maps[:, 28 + 84, 112]
    assert torch.atan2(centre[2], centre[1]).item() / 2 == pytest.approx(0.3, abs=1e-3)
    np.testing.assert_array_equal(results['gt_grasps'], np.float32([[320, 240, 80, 40, 0.3]]))  # still original


def decoded(results, **settings):
    """Grasps (M, 5) that maps of a sample stand for, when they are the answer of a model."""
    quality, cos, sin, width = results['gt_grasp_maps'].maps
    mask = results['gt_grasp_maps'].painted[0].float()
    logits = torch.stack([20 * mask - 10, quality.logit(1e-4), cos, sin, width.logit(1e-4)])
    sample = GroundingSample(
        metainfo=dict(
            img_shape=results['img'].shape[:2],
            ori_shape=results['ori_shape'],
            homography_matrix=results['homography_matrix'],
        )
    )
    GraspPostprocess(num_grasps=50, **settings)(logits[None], [sample])
    return sample.pred_grasps.grasps.numpy()


def assert_found(truth, found, distance):
    for x, y, w, _, theta in truth:
        x2, y2, w2, _, theta2 = found[np.hypot(*(found[:, :2] - (x, y)).T).argmin()]
        assert np.hypot(x2 - x, y2 - y) < distance
        assert w2 == pytest.approx(w, rel=0.1)
        assert abs((theta2 - theta + np.pi / 2) % np.pi - np.pi / 2) < np.deg2rad(3)


@pytest.mark.parametrize('size', [96, 224, 416])
def test_perfect_maps_decode_to_the_grasps_they_were_painted_from(size):
    truth = np.float32([[200.0, 150.0, 70.0, 30.0, 0.7], [420.0, 300.0, 50.0, 30.0, -1.2]])
    scale = size / 640
    lengths = dict(width_norm=100 * scale)
    results = letterboxed(truth, size, quality_sigma=3 * scale, **lengths) | dict(ori_shape=(480, 640))
    found = decoded(results, sigmas=(3 * scale, 0.0, 0.0), **lengths)
    assert_found(truth, found, distance=9)  # inside the flat top of the quality


@pytest.mark.parametrize('shape', [(240, 320), (480, 640), (720, 1280), (1440, 1920)])
def test_a_model_sees_one_width_whatever_the_size_of_the_image(shape):
    scale = 224 / shape[1]
    x, y = shape[1] / 2 + 0.3, shape[0] / 2 - 0.4
    truth = np.float32([[x, y, 21 / scale, 12 / scale, 0.7]])
    results = letterboxed(truth, shape=shape, quality='peak', smooth_width=False) | dict(ori_shape=shape)
    maps, painted = results['gt_grasp_maps'].maps, results['gt_grasp_maps'].painted[0]
    assert maps[3][painted].mean().item() == pytest.approx(21 / 35, abs=1e-3)
    found = decoded(results, center_sigma=1.0)
    assert found[0, 2:4].tolist() == pytest.approx([21 / scale, 7 / scale], rel=0.01)
    assert np.hypot(*(found[0, :2] - (x, y))) < 0.1 / scale  # a tenth of a pixel of the input


@pytest.mark.parametrize('size', [56, 224, 896])
def test_positions_have_no_bias_across_the_resize(size):
    """Pixel x of the image is around ((x + 0.5) * scale - 0.5) of the canvas, as an image resize has it."""
    scale, errors = size / 640, []
    for x in np.arange(290.0, 350.0, 1.7):
        painted = letterboxed([[x, 240, 200, 100, 0.0]], size)['gt_grasp_maps'].painted[0]
        errors.append(painted.nonzero()[:, 1].float().mean().item() - ((x + 0.5) * scale - 0.5))
    assert abs(np.mean(errors)) < 0.08  # leaving the halves out would be (scale - 1) / 2: up to 0.46


@pytest.mark.parametrize('seed', range(6))
def test_grasps_go_with_the_image_through_turns_and_enlargement(seed):
    np.random.seed(seed)
    image = np.zeros((200, 200, 3), np.uint8)
    image[79:98, 90:121] = 255  # what is painted of the grasp below: 31 x 19 pixels around (105, 88)
    grasps = np.float32([[105, 88, 60, 18, 0.0]])
    results = RandomTurnZoom(zoom=(0.7, 1.0))(dict(img=image, img_path='a.png', gt_grasps=grasps))
    results = EncodeGraspMaps(quality_sigma=0.0, width_norm=80.0)(Letterbox(160)(results))
    painted = results['gt_grasp_maps'].painted[0].numpy()
    seen = results['img'][..., 0] > 127
    assert (painted & seen).sum() / (painted | seen).sum() > 0.85
    zoom = np.sqrt(abs(np.linalg.det(results['homography_matrix']))) / 0.8
    assert results['gt_grasp_maps'].maps[3].max() == pytest.approx(min(0.6 * zoom, 1), abs=1e-3)


def test_an_empty_list_gives_maps_of_the_background():
    maps = letterboxed(np.zeros((0, 5)))['gt_grasp_maps'].maps
    assert (maps[0].max(), maps[1].min(), maps[3].max()) == (0, 1, 0)


def test_a_stretched_image_is_refused():
    results = dict(
        img=np.zeros((64, 64, 3), np.uint8),
        img_path='a.png',
        gt_grasps=np.zeros((0, 5), np.float32),
        scale_factor=(0.1, 0.2),
        homography_matrix=np.diag([0.1, 0.2, 1]),
    )
    with pytest.raises(ValueError, match=r'a\.png.*scaled by 0\.100 and 0\.200.*Letterbox'):
        EncodeGraspMaps()(results)
