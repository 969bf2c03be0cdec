import numpy as np
import pytest
import torch

from mmvg.datasets.transforms import LoadGroundingAnnotations, LoadImage, PackGroundingInputs


@pytest.fixture
def make_results(make_item):
    """Everything that stands before packing, except for a tokenizer."""

    def make(num_targets: int = 1, **changes) -> dict:
        results = LoadGroundingAnnotations()(LoadImage()(make_item(num_targets, **changes)))
        results['input_ids'] = np.array([2, 5, 3, 0])
        results['text_mask'] = np.array([True, True, True, False])
        return results

    return make


@pytest.mark.parametrize('num_targets', [0, 1, 3])
def test_a_sample_has_image_text_targets_and_their_union(make_results, num_targets):
    results = make_results(num_targets)
    packed = PackGroundingInputs()(dict(results))
    image, sample = packed['inputs'], packed['data_samples']
    assert image.dtype == torch.uint8
    assert image.is_contiguous()
    assert (image.numpy() == results['img'].transpose(2, 0, 1)).all()
    assert sample.text == 'The red ring on the left!'
    assert sample.input_ids.tolist() == [2, 5, 3, 0]
    assert sample.text_mask.tolist() == [True, True, True, False]
    assert sample.no_target is (num_targets == 0)
    assert sample.gt_instances.bboxes.shape == (num_targets, 4)
    assert sample.gt_instances.bboxes.dtype == torch.float32
    assert sample.gt_instances.labels.tolist() == [0] * num_targets
    assert sample.gt_instances.masks.masks.shape == (num_targets, 30, 40)
    assert sample.gt_sem_seg.sem_seg.shape == (1, 30, 40)
    assert sample.gt_sem_seg.sem_seg.dtype == torch.uint8
    assert sample.gt_sem_seg.sem_seg.sum() == num_targets * 64


def test_overlapping_targets_count_once_in_the_union(make_results, make_item):
    instance = make_item()['instances'][0]
    packed = PackGroundingInputs()(make_results(instances=[instance, dict(instance, ann_id=1)]))
    assert packed['data_samples'].gt_sem_seg.sem_seg.sum() == 64


def test_crowds_are_set_apart(make_results, make_item):
    instances = make_item(3)['instances']
    instances[1]['ignore_flag'] = 1
    sample = PackGroundingInputs()(make_results(instances=instances))['data_samples']
    assert sample.gt_instances.bboxes[:, 0].tolist() == [2, 26]
    assert len(sample.gt_instances.masks) == 2
    assert sample.ignored_instances.bboxes.tolist() == [[14, 4, 22, 12]]
    assert sample.gt_sem_seg.sem_seg[0, 4:12, 14:22].sum() == 0


def test_boxes_without_masks_have_no_union(make_item):
    results = LoadGroundingAnnotations(with_mask=False)(LoadImage()(make_item()))
    results.update(input_ids=np.array([2, 3]), text_mask=np.array([True, True]))
    sample = PackGroundingInputs()(results)['data_samples']
    assert 'masks' not in sample.gt_instances
    assert 'gt_sem_seg' not in sample


def test_metainfo_is_what_was_asked_for(make_results):
    results = make_results()
    everything = PackGroundingInputs()(dict(results))['data_samples'].metainfo
    assert {key: everything[key] for key in ('dataset', 'img_id', 'ref_id', 'sent_id', 'gt_frame')} == {
        'dataset': 'grefcoco',
        'img_id': 7,
        'ref_id': 3,
        'sent_id': 5,
        'gt_frame': 'input',
    }
    assert PackGroundingInputs(meta_keys=['img_id'])(results)['data_samples'].metainfo == {'img_id': 7}


@pytest.mark.parametrize(('key', 'step'), [('img', 'LoadImage'), ('input_ids', 'Tokenize'), ('no_target', 'dataset')])
def test_a_forgotten_step_is_named(make_results, key, step):
    results = make_results()
    del results[key]
    with pytest.raises(KeyError, match=rf"img_id=7.*'{key}' is missing; .*{step}"):
        PackGroundingInputs()(results)
