"""Masks go where the picture goes, to a fraction of a pixel."""

import cv2
import numpy as np
import pytest
from mmdet.datasets.transforms import Resize as MMDetResize
from mmdet.structures.mask import BitmapMasks
from mmengine.registry import init_default_scope
from PIL import Image
from torchvision.transforms.functional import resize

from mmvg.datasets.transforms import Letterbox, RandomTurnZoom, Resize, resize_masks
from mmvg.registry import TRANSFORMS

SCALES = [((640, 480), 320), ((640, 480), 224), ((160, 120), 96), ((500, 375), 416), ((64, 48), 96), ((120, 160), 64)]


def disc(width: int, height: int, x: float, y: float, radius: float) -> np.ndarray:
    """Mask (H, W) of the pixels whose centre is in a disc."""
    columns, rows = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    return ((columns - x) ** 2 + (rows - y) ** 2 <= radius**2).astype(np.uint8)


def discs(width: int, height: int, count: int = 40) -> np.ndarray:
    rng = np.random.default_rng(0)
    radius = min(width, height) / 5
    return np.stack([disc(width, height, *rng.uniform(0.4, 0.6, 2) * (width, height), radius) for _ in range(count)])


def centres(masks: np.ndarray) -> np.ndarray:
    """Centres (N, 2), x and y from the corner of the first pixel."""
    columns, rows = np.arange(masks.shape[2]) + 0.5, np.arange(masks.shape[1]) + 0.5
    area = masks.sum((1, 2))
    return np.stack([(masks.sum(1) * columns).sum(1), (masks.sum(2) * rows).sum(1)], 1) / area[:, None]


def loaded(masks: np.ndarray) -> dict:
    height, width = masks.shape[1:]
    shape = dict(img_shape=(height, width), ori_shape=(height, width))
    return dict(img=masks[0][..., None].repeat(3, 2) * 255, gt_masks=BitmapMasks(masks, height, width), **shape)


def moved_by(step, masks: np.ndarray) -> np.ndarray:
    """Mean offset (x, y) in pixels of the masks that ``step`` makes, against where its matrix puts their centres."""
    results = step(loaded(masks))
    matrix = results['homography_matrix']
    wanted = centres(masks) @ matrix[:2, :2].T + matrix[:2, 2]
    return (centres(results['gt_masks'].masks) - wanted).mean(0)


@pytest.mark.parametrize(('size', 'side'), SCALES)
def test_resized_masks_stay_where_the_picture_is(size, side):
    masks = discs(*size)
    for step in (Resize(scale=(side, side), keep_ratio=False), Resize(scale=(side, side)), Letterbox(side)):
        assert np.abs(moved_by(step, masks)).max() < 0.05, step
    assert moved_by(MMDetResize(scale=(side, side), keep_ratio=False), masks).max() > 0.2


@pytest.mark.parametrize('quarters', range(4))
@pytest.mark.parametrize('share', [1.0, 0.83, 0.6, 0.5])
def test_turned_and_enlarged_masks_stay_where_the_picture_is(quarters, share, monkeypatch):
    step = RandomTurnZoom()
    monkeypatch.setattr(step, 'draw', lambda: (quarters, share))
    assert np.abs(moved_by(step, discs(90, 90))).max() < 0.05


def test_a_mask_is_what_covers_half_of_a_pixel():
    mask = np.zeros((1, 4, 6), np.uint8)
    mask[0, :2, :2] = 1  # fills the first pixel of three by two
    mask[0, 0, 2:4] = 1  # half of the second
    mask[0, 3, 5] = 1  # a quarter of the last
    assert resize_masks(mask, (3, 2)).tolist() == [[[1, 1, 0], [0, 0, 0]]]


def test_an_enlarged_mask_grows_by_whole_pixels():
    mask = np.eye(3, dtype=np.uint8)[None]
    assert (resize_masks(mask, (9, 6)) == mask.repeat(3, 2).repeat(2, 1)).all()


@pytest.mark.parametrize('num_targets', [0, 1, 3])
def test_any_number_of_masks_is_resized(num_targets):
    results = Resize(scale=(20, 30), keep_ratio=False)(
        dict(loaded(discs(16, 12)), gt_masks=BitmapMasks(discs(16, 12)[:num_targets], 12, 16))
    )
    assert results['gt_masks'].masks.shape == (num_targets, 30, 20)


@pytest.mark.parametrize(('size', 'side'), [((640, 480), 480), ((640, 427), 224), ((60, 40), 96)])
def test_pillow_gives_the_pixels_of_pil_and_of_torchvision(size, side):
    draw = np.random.default_rng(0)
    picture = draw.integers(0, 256, (size[1], size[0], 3), np.uint8)
    resized = Resize(scale=(side, side), keep_ratio=False, backend='pillow')(dict(img=picture))['img']
    rgb = Image.fromarray(np.ascontiguousarray(picture[..., ::-1]))  # LAVT reads RGB, we BGR
    assert np.array_equal(resized[..., ::-1], np.asarray(rgb.resize((side, side), Image.Resampling.BILINEAR)))
    assert np.array_equal(resized[..., ::-1], np.asarray(resize(rgb, [side, side])))
    by_cv2 = Resize(scale=(side, side), keep_ratio=False)(dict(img=picture))['img']
    furthest = np.abs(resized.astype(int) - by_cv2).max()
    assert furthest > 20 if side < size[0] else furthest <= 1  # where a side grows, nothing is averaged


@pytest.mark.parametrize(('size', 'side'), SCALES)
def test_the_rules_of_masks_are_those_of_pil_and_of_opencv(size, side):
    masks = discs(*size, count=8)
    of_pil = [np.asarray(Image.fromarray(mask).resize((side, side), Image.Resampling.NEAREST)) for mask in masks]
    assert np.array_equal(resize_masks(masks, (side, side), 'center'), of_pil)
    of_opencv = [cv2.resize(mask, (side, side), interpolation=cv2.INTER_NEAREST) for mask in masks]
    assert np.array_equal(resize_masks(masks, (side, side), 'floor'), of_opencv)


def test_nearest_neighbours_move_masks_by_a_quarter_and_by_half_a_pixel():
    masks = discs(640, 480)
    wanted = centres(masks) * (320 / 640, 320 / 480)
    moved = {
        rule: (centres(resize_masks(masks, (320, 320), rule)) - wanted).mean(0) for rule in ('half', 'center', 'floor')
    }
    assert np.abs(moved['half']).max() < 0.05
    assert moved['center'][0] == pytest.approx(-0.25, abs=0.05)  # of two pixels the right one is taken
    assert moved['floor'][0] == pytest.approx(0.25, abs=0.05)  # the left one
    assert np.abs(moved['floor']).max() <= 0.5


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(backend='pil'), "Resize.backend must be 'cv2' or 'pillow', not 'pil'"),
        (dict(backend='pillow', interpolation='area'), "Resize.interpolation of pillow must be .*, not 'area'"),
    ],
)
def test_a_backend_that_is_not_there_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Resize(scale=(8, 8), **options)


def test_resize_is_found_by_its_name_in_the_scope_of_mmvg():
    init_default_scope('mmvg')
    assert TRANSFORMS.get('Resize') is Resize


def test_masks_are_averaged_around_their_objects_as_they_would_be_as_a_whole():
    rng = np.random.default_rng(0)
    for height, width, size in ((480, 640, 320), (427, 640, 416), (333, 500, 224), (96, 130, 64), (50, 400, 100)):
        mask = np.zeros((height, width), np.uint8)
        for _ in range(rng.integers(1, 4)):
            centre, axes = rng.integers((0, 0), (width, height)), rng.integers((2, 2), (width // 3, height // 3))
            cv2.ellipse(mask, centre.tolist(), axes.tolist(), float(rng.integers(180)), 0, 360, 1, -1)
        smaller = min(size, width), min(size, height)
        whole = cv2.resize(mask * np.uint8(255), smaller, interpolation=cv2.INTER_AREA) >= 128
        for masks in (mask, np.zeros_like(mask)):
            found = resize_masks(masks[None], smaller)[0]
            assert (found == (whole & masks.any())).all()
        assert whole.any()
