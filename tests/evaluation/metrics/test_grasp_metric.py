import math

import numpy as np
import pytest
import torch

from mmvg.evaluation.metrics import GraspMetric, GraspSuccessMetric


def sample(number, pred, gt, scores=None, **fields):
    """A sample as mmengine's evaluator hands it over; grasps as [x, y, w, h, degrees]."""
    pred, gt = (torch.tensor(grasps, dtype=torch.float32).reshape(-1, 5) for grasps in (pred, gt))
    for grasps in (pred, gt):
        grasps[:, 4] = torch.deg2rad(grasps[:, 4])
    scores = torch.linspace(1, 0.5, len(pred)) if scores is None else torch.tensor(scores)
    made = dict(dataset='ocid_vlg', img_id=1, ref_id=number, sent_id=number, gt_frame='original', gt_grasps=gt)
    return made | dict(pred_grasps=dict(grasps=pred, scores=scores)) | fields


HIT, MISS = [100, 100, 40, 20, 0], [300, 300, 40, 20, 0]
GT = [[100, 100, 40, 20, 5], [200, 200, 40, 20, 90]]


def evaluate(samples, **options):
    metric = GraspMetric(**options)
    metric.process(None, samples)
    return metric.evaluate(len(samples))


def test_j_at_n_looks_at_the_n_best_scores():
    found = evaluate(
        [
            sample(1, [HIT, MISS], GT),
            sample(2, [MISS, HIT], GT),
            sample(3, [MISS, MISS], GT),
            sample(4, [MISS] * 5 + [HIT], GT),  # too late for J@5
            sample(5, [MISS, HIT], GT, scores=[0.2, 0.9]),  # not sorted
        ]
    )
    assert found['grasp/J@1'] == found['grasp/J@1_strict'] == 40
    assert found['grasp/J@5'] == found['grasp/J@5_strict'] == 60
    assert found['grasp/num_samples'] == 5


def test_no_prediction_is_a_miss_and_no_true_grasp_is_not_counted():
    found = evaluate([sample(1, [HIT], GT), sample(2, [], GT), sample(3, [HIT], []), sample(4, [], [])])
    assert found['grasp/J@1'] == 50
    assert found['grasp/num_samples'] == 4


def test_a_true_grasp_that_is_no_rectangle_is_not_counted():
    found = evaluate([sample(1, [HIT], GT), sample(2, [HIT], [[math.nan, 100, 40, 20, 0], [100, 100, 0, 20, 0]])])
    assert found['grasp/J@1'] == 100


def test_predictions_without_a_size_are_left_out_before_ranking():
    broken = [[100, 100, 0, 20, 0], [100, 100, -5, 20, 0]]
    assert evaluate([sample(1, [*broken, HIT], GT)])['grasp/J@1'] == 100


def test_predictions_that_are_not_finite_are_an_error():
    with pytest.raises(ValueError, match=r'pred_grasps\.grasps holds a number that is NaN or infinite'):
        evaluate([sample(1, [[math.nan, 100, 40, 20, 0], HIT], GT)])
    with pytest.raises(ValueError, match=r'pred_grasps\.scores holds a number that is NaN or infinite'):
        evaluate([sample(1, [MISS, HIT], GT, scores=[math.nan, 0.1])])


def test_the_true_rectangle_is_limited_as_the_published_evaluator_does():
    wide = [[100, 100, 300, 60, 0]]
    pred = [[100, 100, 100, 20, 0]]
    assert evaluate([sample(1, pred, wide)])['grasp/J@1_strict'] == 100
    assert evaluate([sample(1, pred, wide)], gt_width=None, gt_jaw=None)['grasp/J@1_strict'] == 0
    truth = sample(1, pred, wide)
    before = truth['gt_grasps'].clone()
    evaluate([truth])
    assert torch.equal(truth['gt_grasps'], before)


def test_protocols_differ_where_the_published_evaluator_errs():
    mirrored = evaluate([sample(1, [[100, 100, 20, 20, 45]], [[100, 100, 20, 20, -45]])])
    assert (mirrored['grasp/J@1'], mirrored['grasp/J@1_strict']) == (100, 0)
    right = evaluate([sample(1, [[550, 100, 40, 20, 0]], [[550, 100, 40, 20, 0]])])
    assert (right['grasp/J@1'], right['grasp/J@1_strict']) == (0, 100)


def test_types_are_broken_down():
    samples = [
        sample(1, [HIT], GT, expression_type='name'),
        sample(2, [MISS], GT, expression_type='name'),
        sample(3, [HIT], GT, expression_type='rel'),
        sample(4, [HIT], GT),
    ]
    found = evaluate(samples)
    assert (found['grasp/name/J@1'], found['grasp/rel/J@1'], found['grasp/J@1']) == (50, 100, 75)
    assert {key for key in found if key.count('/') == 2} == {
        f'grasp/{kind}/J@{n}{end}' for kind in ('name', 'rel') for n in (1, 5) for end in ('', '_strict')
    }
    assert not any(key.count('/') == 2 for key in evaluate(samples, by_type=False))


def test_repeated_samples_count_once():
    samples = [sample(1, [HIT], GT), sample(2, [MISS], GT), sample(2, [MISS], GT)]
    assert evaluate(samples[:2])['grasp/J@1'] == evaluate(samples)['grasp/J@1'] == 50


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(gt_frame='input'), "gt_frame='input'"),
        (dict(gt_grasps=torch.zeros(3, 4)), r'gt_grasps must be \(N, 5\)'),
        (dict(pred_grasps=dict(grasps=torch.zeros(2, 5), scores=torch.zeros(3))), r'scores is \(3,\)'),
        (dict(pred_grasps=None), 'pred_grasps.grasps is missing'),
    ],
)
def test_a_sample_that_cannot_be_scored_is_named(change, message):
    with pytest.raises(ValueError, match=f'ref_id=7.*{message}'):
        GraspMetric().process(None, [sample(7, [HIT], GT) | change])


def success(samples, **options):
    metric = GraspSuccessMetric(**options)
    metric.process(None, samples)
    return metric.evaluate(len(samples))


def test_success_rates_of_seen_and_unseen_objects_and_their_harmonic_mean():
    found = success(
        [
            sample(1, [HIT], GT, novelty='seen'),
            sample(2, [HIT, MISS], GT, novelty='seen'),
            sample(3, [MISS, HIT], GT, novelty='seen'),  # the best one counts
            sample(4, [], GT, novelty='seen'),
            sample(5, [HIT], GT, novelty='unseen'),
            sample(6, [HIT], [], novelty='unseen'),  # nothing to match
        ]
    )
    assert (found['grasp_anything/seen'], found['grasp_anything/unseen']) == (50, 50)
    assert found['grasp_anything/H'] == 50


def test_openings_are_compared_as_they_are():
    wide = [[100, 100, 300, 60, 0]]
    assert success([sample(1, [[100, 100, 100, 20, 0]], wide, novelty='seen')])['grasp_anything/seen'] == 0
    assert success([sample(1, wide, wide, novelty='seen')])['grasp_anything/seen'] == 100


def test_a_set_without_unseen_objects_has_no_harmonic_mean():
    found = success([sample(1, [HIT], GT, novelty='seen')])
    assert np.isnan([found['grasp_anything/unseen'], found['grasp_anything/H']]).all()


def test_a_sample_must_say_whether_it_is_seen():
    with pytest.raises(ValueError, match='novelty'):
        GraspSuccessMetric().process(None, [sample(1, [HIT], GT)])
