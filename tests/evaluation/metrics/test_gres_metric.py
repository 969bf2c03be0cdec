from math import isnan

import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from pycocotools import mask as coco_mask

EMPTY, LEFT, ALL = [[0, 0, 0, 0]], [[1, 1, 0, 0]], [[1, 1, 1, 1]]


def test_every_row_of_the_table_in_one_set(make_sample, run):
    samples = [
        make_sample(0, gt_mask=EMPTY, mask=ALL, pred_no_target=True, no_target=True),  # 1, adds nothing
        make_sample(1, gt_mask=EMPTY, mask=ALL, no_target=True),  # 0, U 4
        make_sample(2, gt_mask=EMPTY, mask=EMPTY, no_target=True),  # 0
        make_sample(3, gt_mask=LEFT, mask=ALL, pred_no_target=True),  # 0, U 4 of the mask as given
        make_sample(4, gt_mask=LEFT, mask=LEFT),  # 1, I 2, U 2
        make_sample(5, gt_mask=LEFT, mask=ALL),  # 0.5, I 2, U 4
        make_sample(6, gt_mask=EMPTY, mask=EMPTY),  # an annotation without a pixel: 0
    ]
    assert run(dict(type='GRESMetric'), samples) == {
        'gres/gIoU': pytest.approx(100 * 2.5 / 7),
        'gres/cIoU': pytest.approx(100 * 4 / 14),
        'gres/N-acc': pytest.approx(100 / 3),
        'gres/T-acc': pytest.approx(75),
        'gres/P@0.7': 25,
        'gres/P@0.8': 25,
        'gres/P@0.9': 25,
        'gres/num_samples': 7,
    }


@pytest.mark.parametrize(
    ('protocol', 'rejected'),
    [
        ({}, [True, False, False]),
        (dict(no_target_from='flag'), [True, False, False]),
        (dict(no_target_from='score'), [False, True, False]),
        (dict(no_target_from='score', score_thr=0.9), [True, True, True]),
        (dict(no_target_from='score', score_thr=0.75, comparison='>='), [False, True, False]),
        (dict(no_target_from='score', score_thr=0.75), [False, True, True]),
        (dict(no_target_from='mask'), [False, False, True]),
    ],
)
def test_the_verdict_comes_from_where_the_protocol_says(make_sample, run, protocol, rejected):
    samples = [
        make_sample(0, gt_mask=EMPTY, mask=ALL, pred_no_target=True, target_score=0.8, no_target=True),
        make_sample(1, gt_mask=EMPTY, mask=ALL, pred_no_target=False, target_score=0.2, no_target=True),
        make_sample(2, gt_mask=EMPTY, mask=EMPTY, pred_no_target=False, target_score=0.75, no_target=True),
    ]
    for sample, right in zip(samples, rejected, strict=True):
        assert run(dict(type='GRESMetric', **protocol), [sample])['gres/N-acc'] == 100 * right


def test_only_no_target_expressions_all_rejected(make_sample, run):
    samples = [make_sample(i, mask=ALL, gt_mask=EMPTY, pred_no_target=True, no_target=True) for i in range(3)]
    found = run(dict(type='GRESMetric'), samples)
    assert found['gres/gIoU'] == found['gres/N-acc'] == 100
    assert all(isnan(found[f'gres/{name}']) for name in ('cIoU', 'T-acc', 'P@0.7', 'P@0.8', 'P@0.9'))


def test_masks_may_be_run_lengths(make_sample, run):
    rng = np.random.default_rng(0)
    samples, encoded = [], []
    for i in range(20):
        gt, pred = (rng.random((2, 5, 7)) < 0.6).astype(int)
        sample = make_sample(i, gt_mask=gt.tolist(), mask=pred.tolist())
        samples.append(sample)
        as_dict = sample.to_dict()
        for field in ('gt_sem_seg', 'pred_sem_seg'):
            mask = as_dict[field]['sem_seg'][0].numpy().astype(np.uint8)
            as_dict[field] = dict(sem_seg=coco_mask.encode(np.asfortranarray(mask)))
        encoded.append(as_dict)
    assert run(dict(type='GRESMetric'), samples) == run(dict(type='GRESMetric'), encoded)


@pytest.mark.parametrize(
    ('protocol', 'field'),
    [
        ({}, 'pred_no_target'),
        (dict(no_target_from='score'), 'target_score'),
        (dict(no_target_from='mask'), 'pred_sem_seg'),
    ],
)
def test_a_missing_field_is_named(make_sample, run, protocol, field):
    sample = make_sample(3, gt_mask=LEFT, mask=LEFT)
    delattr(sample, field)
    with pytest.raises(ValueError, match=f'sent_id=3: {field}.* is missing'):
        run(dict(type='GRESMetric', **protocol), [sample])


def test_a_score_that_is_no_number_is_refused(make_sample, run):
    with pytest.raises(ValueError, match='sent_id=0: score 0 is not finite'):
        run(dict(type='GRESMetric', no_target_from='score'), [make_sample(0, target_score=float('nan'))])


def test_a_no_target_expression_with_true_pixels_is_refused(make_sample, run):
    with pytest.raises(ValueError, match='gt_sem_seg has 2 foreground pixels'):
        run(dict(type='GRESMetric'), [make_sample(0, gt_mask=LEFT, mask=LEFT, no_target=True)])


def test_probabilities_are_not_taken_for_a_mask(make_sample, run):
    sample = make_sample(0, gt_mask=LEFT)
    sample.pred_sem_seg = PixelData(sem_seg=torch.rand(1, 1, 4))
    with pytest.raises(ValueError, match='threshold it first'):
        run(dict(type='GRESMetric'), [sample])
