import copy

import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmdet.datasets.transforms import Resize as MMDetResize
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks
from pycocotools import mask as coco_mask

from mmvg.datasets.transforms import Letterbox, LoadGroundingAnnotations, LoadImage, Resize


def load(item: dict, **options) -> dict:
    return LoadGroundingAnnotations(**options)(LoadImage()(item))


@pytest.mark.parametrize('num_targets', [0, 1, 3])
def test_any_number_of_targets_becomes_boxes_and_masks(make_item, num_targets):
    results = load(make_item(num_targets))
    assert isinstance(results['gt_bboxes'], HorizontalBoxes)
    assert isinstance(results['gt_masks'], BitmapMasks)
    assert results['gt_bboxes'].tensor.dtype == torch.float32
    assert results['gt_bboxes'].tensor.tolist() == [[2 + 12 * i, 4, 10 + 12 * i, 12] for i in range(num_targets)]
    assert results['gt_masks'].masks.shape == (num_targets, 30, 40)
    assert results['gt_masks'].masks.dtype == np.uint8
    expected = np.zeros((num_targets, 30, 40), np.uint8)
    for i in range(num_targets):
        expected[i, 4:12, 2 + 12 * i : 10 + 12 * i] = 1
    assert (results['gt_masks'].masks == expected).all()
    assert results['gt_frame'] == 'input'


def test_ground_truth_loaded_after_a_resize_is_in_original_pixels(make_item):
    results = LoadImage()(make_item())
    results.update(img=np.zeros((60, 60, 3), np.uint8), img_shape=(60, 60), homography_matrix=np.eye(3))
    results = LoadGroundingAnnotations()(results)
    assert results['gt_frame'] == 'original'
    assert results['gt_masks'].masks.shape == (1, 30, 40)


@pytest.mark.parametrize('form', ['runs', 'str', 'bytes'])
def test_every_form_of_rle_gives_the_same_mask(make_item, form):
    mask = np.zeros((30, 40), np.uint8)
    mask[3:9, 20:33] = 1
    rle = coco_mask.encode(np.asfortranarray(mask))
    if form == 'runs':
        flat = mask.flatten(order='F')
        starts = np.flatnonzero(np.diff(flat)) + 1
        rle['counts'] = np.diff([0, *starts, flat.size]).tolist()
    elif form == 'str':
        rle['counts'] = rle['counts'].decode()
    item = make_item()
    item['instances'][0]['mask'] = rle
    assert (load(item)['gt_masks'].masks[0] == mask).all()


def test_parts_of_one_object_are_united(make_item):
    item = make_item()
    item['instances'][0]['mask'] = [[2, 2, 8, 2, 8, 8, 2, 8], [6, 2, 12, 2, 12, 8, 6, 8]]  # columns 6 and 7 overlap
    mask = load(item)['gt_masks'].masks[0]
    assert mask.max() == 1
    assert mask.sum() == 60


def test_the_data_item_itself_is_not_touched(make_item):
    item = make_item(2)
    before = copy.deepcopy(item['instances'])
    load(dict(item))
    assert item['instances'] == before


def test_boxes_alone_can_be_loaded(make_item):
    item = make_item()
    del item['instances'][0]['mask']
    results = load(item, with_mask=False)
    assert 'gt_masks' not in results
    assert len(results['gt_bboxes']) == 1


@pytest.mark.parametrize(
    ('mask', 'message'),
    [
        (None, 'there is no mask'),
        ([], 'there is no polygon'),
        ([[]], r'polygon \[\]'),
        ([[1, 1, 2, 2]], r'polygon \[1'),
        ([[1, 1, 9, 1, 9, 9, 1]], 'even number'),
        ([[1, 1, 9, 1, 9, float('nan')]], 'finite'),
        ([[1, 1, 9, 1, 9, 9], [1, 1, 9, 1, 9, float('inf')]], 'finite'),
        ({'size': [40, 30], 'counts': [1200]}, r'size \[40, 30\], the image \[30, 40\]'),
        ({'size': [30, 40], 'counts': [1199]}, 'sum to 1199'),
    ],
)
def test_a_mask_that_cannot_be_rasterised_is_named(make_item, mask, message):
    item = make_item()
    item['instances'][0]['mask'] = mask
    with pytest.raises(ValueError, match=rf'img_id=7 ref_id=3 sent_id=5 .*ann_id=0: .*{message}'):
        load(item)


def test_an_image_of_another_size_than_annotated_is_an_error(make_item):
    with pytest.raises(ValueError, match=r'img_id=7 .*\(30, 40\).*annotation says \(40, 30\)'):
        load(make_item(height=40, width=30))


def test_no_target_with_instances_is_an_error(make_item):
    with pytest.raises(ValueError, match='no_target is set, but there are 1 instances'):
        load(make_item(1, no_target=True))


@pytest.mark.parametrize('num_targets', [0, 1, 3])
@pytest.mark.parametrize('rule', ['half', 'center', 'floor'])
def test_ground_truth_loaded_after_a_resize_can_be_moved_to_the_input(make_item, num_targets, rule):
    def load(*steps):
        return Compose([LoadImage(), *steps])(make_item(num_targets))

    if rule == 'floor':
        resize = MMDetResize(scale=(64, 48), keep_ratio=False)
    else:
        resize = Resize(scale=(64, 48), keep_ratio=False)
    before = load(LoadGroundingAnnotations(), resize)
    after = load(resize, LoadGroundingAnnotations(frame='input', mask_rule=rule))
    assert (before['gt_frame'], after['gt_frame']) == ('input', 'input')
    torch.testing.assert_close(after['gt_bboxes'].tensor, before['gt_bboxes'].tensor, atol=1e-4, rtol=0)
    assert after['gt_masks'].masks.shape == (num_targets, 48, 64)
    if rule != 'center':
        assert (after['gt_masks'].masks == before['gt_masks'].masks).all()


def test_ground_truth_can_be_moved_to_a_letterbox(make_item):
    before = Compose([LoadImage(), LoadGroundingAnnotations(), Letterbox(50)])(make_item(2))
    after = Compose([LoadImage(), Letterbox(50), LoadGroundingAnnotations(frame='input')])(make_item(2))
    torch.testing.assert_close(after['gt_bboxes'].tensor, before['gt_bboxes'].tensor, atol=1e-4, rtol=0)
    assert (after['gt_masks'].masks == before['gt_masks'].masks).all()


def test_an_unknown_frame_or_rule_is_refused():
    with pytest.raises(ValueError, match="not 'resized'"):
        LoadGroundingAnnotations(frame='resized')
    with pytest.raises(ValueError, match="not 'nearest'"):
        LoadGroundingAnnotations(mask_rule='nearest')


def test_a_sample_with_boxes_only_gets_boxes_and_no_masks():
    results = dict(ori_shape=(8, 10), img_shape=(8, 10), boxes_only=True)
    results['instances'] = [dict(bbox=[1, 1, 5, 5], bbox_label=0, ignore_flag=0)]
    loaded = LoadGroundingAnnotations()(results)
    assert loaded['gt_bboxes'].tensor.tolist() == [[1, 1, 5, 5]]
    assert 'gt_masks' not in loaded
