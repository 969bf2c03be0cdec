import pickle

import numpy as np
import pytest
import torch
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData, PixelData

from mmvg.structures import GroundingSample


def sample_with(num_targets: int) -> GroundingSample:
    sample = GroundingSample(metainfo={'dataset': 'grefcoco', 'img_id': 7, 'ori_shape': (4, 6)})
    sample.text = 'the red rings'
    sample.input_ids = torch.tensor([2, 5, 3, 0])
    sample.text_mask = torch.tensor([True, True, True, False])
    sample.no_target = num_targets == 0
    sample.gt_instances = InstanceData(
        bboxes=torch.rand(num_targets, 4), masks=BitmapMasks(np.ones((num_targets, 4, 6), np.uint8), 4, 6)
    )
    sample.gt_sem_seg = PixelData(sem_seg=torch.ones(1, 4, 6, dtype=torch.uint8))
    return sample


@pytest.mark.parametrize('num_targets', [0, 1, 3])
def test_a_sample_becomes_the_dict_that_metrics_read(num_targets):
    sample = sample_with(num_targets)
    sample.pred_instances = InstanceData(bboxes=torch.zeros(2, 4), scores=torch.zeros(2))
    sample.pred_no_target = True
    as_dict = sample.to_dict()
    assert as_dict['gt_instances']['bboxes'].shape == (num_targets, 4)
    assert as_dict['gt_sem_seg']['sem_seg'].shape == (1, 4, 6)
    assert as_dict['pred_instances']['scores'].shape == (2,)
    assert (as_dict['dataset'], as_dict['img_id'], as_dict['no_target']) == ('grefcoco', 7, num_targets == 0)
    assert as_dict['pred_no_target'] is True


@pytest.mark.parametrize('num_targets', [0, 1, 3])
def test_a_sample_survives_the_way_through_a_worker_and_to_a_device(num_targets):
    sample = sample_with(num_targets)
    again = pickle.loads(pickle.dumps(sample)).to('cpu')
    assert isinstance(again, GroundingSample)
    assert again.text == sample.text
    assert again.input_ids.equal(sample.input_ids)
    assert again.text_mask.dtype == torch.bool
    assert again.no_target is (num_targets == 0)
    assert again.metainfo == sample.metainfo
    assert again.gt_instances.bboxes.equal(sample.gt_instances.bboxes)
    assert (again.gt_instances.masks.masks == sample.gt_instances.masks.masks).all()
