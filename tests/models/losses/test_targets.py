import numpy as np
import pytest
import torch
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData, PixelData

from mmvg.models.losses import GroundingTargets
from mmvg.structures import GroundingSample


def sample_with(boxes, height=20, width=40, **meta):
    """A sample whose masks fill its integer boxes."""
    masks = np.zeros((len(boxes), height, width), dtype=np.uint8)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes, strict=True):
        mask[int(y1) : int(y2), int(x1) : int(x2)] = 1
    sample = GroundingSample(
        metainfo=dict(img_path='a.jpg', sent_id=7, img_shape=(height, width), gt_frame='input') | meta
    )
    sample.gt_instances = InstanceData(
        bboxes=torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4), masks=BitmapMasks(masks, height, width)
    )
    union = masks.any(0) if len(boxes) else np.zeros((height, width), dtype=bool)
    sample.gt_sem_seg = PixelData(sem_seg=torch.from_numpy(union[None].astype(np.uint8)))
    sample.no_target = not boxes
    return sample


def collect(*samples):
    return GroundingTargets.from_samples(list(samples), torch.device('cpu'))


def test_targets_of_all_images_follow_one_another_as_fractions():
    targets = collect(sample_with([[0, 0, 20, 10]]), sample_with([]), sample_with([[20, 10, 40, 20], [10, 5, 30, 15]]))
    expected = [[0.25, 0.25, 0.5, 0.5], [0.75, 0.75, 0.5, 0.5], [0.5, 0.5, 0.5, 0.5]]
    assert targets.boxes_cxcywh_norm.tolist() == expected
    assert targets.counts == [1, 0, 2]
    assert targets.masks.shape == (3, 20, 40)
    assert targets.masks.sum((1, 2)).tolist() == [200, 200, 200]
    assert targets.union.sum((1, 2, 3)).tolist() == [200, 0, 350]  # the last two masks share 10 x 5 pixels
    assert targets.no_target.tolist() == [False, True, False]
    assert targets.input_shape == (20, 40)


def test_a_batch_without_any_target_has_empty_boxes_and_masks():
    targets = collect(sample_with([]), sample_with([]))
    assert targets.boxes_cxcywh_norm.shape == (0, 4)
    assert targets.masks.shape == (0, 20, 40)


def test_mmdet_boxes_and_plain_tensors_are_the_same():
    sample = sample_with([[0, 0, 20, 10]])
    sample.gt_instances.bboxes = HorizontalBoxes(sample.gt_instances.bboxes)
    assert collect(sample).boxes_cxcywh_norm.tolist() == [[0.25, 0.25, 0.5, 0.5]]


def test_data_without_masks_has_boxes_only():
    sample = sample_with([[0, 0, 20, 10]])
    del sample.gt_instances.masks
    del sample.gt_sem_seg
    targets = collect(sample)
    assert targets.masks is None
    assert targets.union is None


def test_ground_truth_in_original_pixels_is_refused_by_name():
    with pytest.raises(ValueError, match=r'a\.jpg .*sent_id 7.*before Resize'):
        collect(sample_with([[0, 0, 20, 10]], gt_frame='original'))


def test_images_of_two_sizes_are_refused():
    with pytest.raises(ValueError, match=r'\(20, 40\).*one size'):
        collect(sample_with([]), sample_with([], height=24))


def test_masks_of_another_size_are_refused():
    with pytest.raises(ValueError, match='masks are 20 x 40'):
        collect(sample_with([[0, 0, 20, 10]], img_shape=(24, 40)))


def test_a_box_that_is_not_finite_is_refused():
    sample = sample_with([[0, 0, 20, 10]])
    sample.gt_instances.bboxes[0, 2] = float('nan')
    with pytest.raises(ValueError, match='not finite'):
        collect(sample)


def without_masks(sample):
    del sample.gt_instances.masks
    del sample.gt_sem_seg
    sample.set_metainfo(dict(boxes_only=True))
    return sample


def test_a_batch_may_have_images_with_boxes_only_which_mask_known_tells_apart():
    targets = collect(without_masks(sample_with([[0, 0, 20, 10]])), sample_with([[0, 0, 4, 4], [4, 4, 8, 8]]))
    assert targets.mask_known == [False, True]
    assert targets.masks.sum((1, 2)).tolist() == [0, 16, 16]
    assert targets.union.sum((1, 2, 3)).tolist() == [0, 32]
    assert targets.known(torch.tensor([5, 6]))[0].tolist() == [6]
    with pytest.raises(ValueError, match='LossOfMine learns from masks, but 1 of the 2 expressions'):
        targets.all_masks('LossOfMine')
    assert collect(sample_with([])).mask_known is None
