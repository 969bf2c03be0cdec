"""Metrics over the functions that tests/evaluation/functional checks: what they read, leave out and refuse."""

from math import isnan

import numpy as np
import pytest
import torch
from mmdet.structures.mask import BitmapMasks

from mmvg.evaluation.functional import apply_temperature
from mmvg.evaluation.metrics.by_group import groups_of_sample
from mmvg.masks import encode_mask

A, B = [0, 0, 100, 100], [200, 0, 300, 100]
SHIFTED = [17, 17, 117, 117]  # IoU 0.525, GIoU 0.483 with A


def some_samples(make_sample):
    return [
        make_sample(0, [A, B], [B, A, A], [0.9, 0.8, 0.3], target_score=0.9),
        make_sample(1, [A], [SHIFTED, A], [0.9, 0.6], target_score=0.8),
        make_sample(2, no_target=True, target_score=0.4),
        make_sample(3, [], [A], [0.7], no_target=True, target_score=0.6),
    ]


def test_cgf1_of_boxes_by_hand(make_sample, run):
    found = run(dict(type='CGF1Metric', instances='boxes'), some_samples(make_sample))
    assert found['cgf1/pmF1'] == pytest.approx(100 * 2 * 3 / 7)  # 3 pairs at each threshold, 4 boxes and 3 targets
    assert found['cgf1/IL_MCC'] == pytest.approx(2 / np.sqrt(3 * 2 * 2 * 1))
    assert found['cgf1/cgF1'] == pytest.approx(found['cgf1/pmF1'] * found['cgf1/IL_MCC'])
    assert found['cgf1/num_samples'] == 4


@pytest.mark.parametrize('form', ['tensors', 'run lengths'])
def test_cgf1_of_masks_in_every_form(make_sample, run, form):
    left, right = np.zeros((4, 6), bool), np.zeros((4, 6), bool)
    left[:, :3], right[:, 3:] = True, True
    sample = make_sample(0, [[0, 0, 3, 4], [3, 0, 6, 4]], [A, A, A], [0.9, 0.8, 0.2])
    if form == 'tensors':
        sample.gt_instances.masks = BitmapMasks(np.stack([left, right]).astype(np.uint8), 4, 6)
        sample.pred_instances.masks = torch.from_numpy(np.stack([right, left, left]))
    else:
        sample.gt_instances.masks = [encode_mask(left), encode_mask(right)]
        sample.pred_instances.masks = [encode_mask(mask) for mask in (right, left, left)]
    found = run(dict(type='CGF1Metric'), [sample, make_sample(1, no_target=True)])
    assert found['cgf1/cgF1'] == pytest.approx(100)


def test_cgf1_without_masks_or_without_negatives_says_so(make_sample, run):
    with pytest.raises(ValueError, match=r'sent_id=0: gt_instances\.masks is missing'):
        run(dict(type='CGF1Metric'), [make_sample(0, [A], [A], [0.9])])
    found = run(dict(type='CGF1Metric', instances='boxes'), [make_sample(0, [A], [A], [0.9])])
    assert isnan(found['cgf1/cgF1'])
    assert found['cgf1/pmF1'] == 100


def test_the_paper_and_the_code_of_sam_3_differ_at_the_threshold(make_sample, run):
    samples = [make_sample(0, [A], [A], [0.5]), make_sample(1, no_target=True)]
    assert run(dict(type='CGF1Metric', instances='boxes'), samples)['cgf1/pmF1'] == 100
    assert run(dict(type='CGF1Metric', instances='boxes', comparison='>'), samples)['cgf1/pmF1'] == 0


def test_f1_of_the_set_of_boxes_by_hand(make_sample, run):
    found = run(dict(type='InstanceF1Metric'), some_samples(make_sample))
    precision, recall = (1 + 1 / 2 + 1 + 0) / 4, (1 + 1 + 1 + 0) / 4
    assert found['instance_f1/P@0.5'] == pytest.approx(100 * precision)
    assert found['instance_f1/R@0.95'] == pytest.approx(100 * recall)
    assert found['instance_f1/F1@mIoU'] == pytest.approx(100 * 2 * precision * recall / (precision + recall))


def test_p_at_k_counts_expressions_with_a_target(make_sample, run):
    samples = [
        *some_samples(make_sample),
        make_sample(4, [A], [B, SHIFTED], [0.9, 0.1]),
        make_sample(5, [A]),
    ]
    found = run(dict(type='PrecisionAtKMetric', top=[1, 2]), samples)
    assert found == {'top/P@1': 50, 'top/P@2': 75, 'top/num_samples': 6}
    found = run(dict(type='PrecisionAtKMetric', top=[1, 2], overlap='giou'), samples)
    assert found == {'top/P@1': 25, 'top/P@2': 50, 'top/num_samples': 6}


def test_a_verdict_needs_no_threshold(make_sample, run):
    found = run(dict(type='VerdictMetric'), some_samples(make_sample))
    assert found == {'verdict/AUROC': 100, 'verdict/AP': 100, 'verdict/N-acc@T95': 100, 'verdict/num_samples': 4}
    answers = [(0.9, False), (0.5, False), (0.7, True)]
    samples = [make_sample(i, target_score=score, no_target=nothing) for i, (score, nothing) in enumerate(answers)]
    found = run(dict(type='VerdictMetric', t_acc=50), samples)
    assert found == {
        'verdict/AUROC': 50,
        'verdict/AP': 50,
        'verdict/N-acc@T50': 100,
        'verdict/num_samples': 3,
    }


def test_without_a_target_score_the_best_box_decides(make_sample, run):
    samples = [make_sample(0, [A], [A, B], [0.2, 0.9]), make_sample(1, [], [A], [0.5], no_target=True)]
    for sample in samples:
        del sample.target_score
    assert run(dict(type='VerdictMetric'), samples)['verdict/AUROC'] == 100


def test_confidence_by_hand(make_sample, run):
    found = run(dict(type='ConfidenceMetric', num_bins=1), some_samples(make_sample))
    # targets: 0.9, 0.8, 0.4, 0.6 against 1, 1, 0, 0; boxes: 0.9, 0.9, 0 (there is none), 0.7 against 1, 1, 0, 0
    assert found['confidence/ECE_target'] == pytest.approx(100 * abs(2.7 - 2) / 4, rel=1e-5)
    assert found['confidence/ECE_box'] == pytest.approx(100 * abs(2.5 - 2) / 4, rel=1e-5)
    # answers by confidence: right and right at 0.9, wrong at 0.7, right ("nothing") at 0.6
    assert found['confidence/AURC'] == pytest.approx(100 * (0 + 0 + 1 / 3 + 1 / 4) / 4)


def test_temperatures_are_applied_before_scoring(make_sample, run):
    cfg = dict(type='ConfidenceMetric', num_bins=1)
    tempered = run(cfg | dict(target_temperature=2.0), [make_sample(0, [A], [A], [0.9], target_score=0.9)])
    assert tempered['confidence/ECE_target'] == pytest.approx(100 * (1 - apply_temperature(np.array(0.9), 2.0)))
    assert tempered['confidence/ECE_box'] == pytest.approx(10, rel=1e-5)


@pytest.mark.parametrize(
    'cfg',
    [
        dict(type='CGF1Metric', instances='points'),
        dict(type='InstanceF1Metric', comparison='='),
        dict(type='PrecisionAtKMetric', overlap='diou'),
        dict(type='ConfidenceMetric', comparison='='),
        dict(type='ByGroup', metric=dict(type='RECMetric'), by=['colour']),
    ],
    ids=lambda cfg: cfg['type'],
)
def test_a_choice_that_does_not_exist_is_an_error(cfg, run):
    with pytest.raises(ValueError, match='must be'):
        run(cfg, [])


@pytest.mark.parametrize(
    'name', ['CGF1Metric', 'InstanceF1Metric', 'PrecisionAtKMetric', 'VerdictMetric', 'ConfidenceMetric']
)
def test_no_sample_gives_no_number(name, run):
    found = run(dict(type=name), [])
    assert found.pop(next(key for key in found if key.endswith('num_samples'))) == 0
    assert all(isnan(value) for value in found.values())


def test_each_kind_of_expression_is_scored_by_itself(make_sample, run):
    texts = ['the red mug', 'the mug left of the plate', 'the red mug on the left', 'mug']
    samples = [make_sample(i, [A], [A if i < 2 else B], [0.9]) for i in range(4)]
    for sample, text in zip(samples, texts, strict=True):
        sample.text = text
    samples[3].set_metainfo(dict(kind='relation', num_distractors=2))
    found = run(dict(type='ByGroup', metric=dict(type='RECMetric', thresholds=[0.5])), samples)
    assert found['rec/P@0.5'] == 50
    assert found['rec/kind=attribute/P@0.5'] == 50
    assert found['rec/kind=place/P@0.5'] == 0
    assert (found['rec/kind=relation/P@0.5'], found['rec/kind=relation/num_samples']) == (50, 2)
    assert found['rec/distractors=2/num_samples'] == 1
    assert found['rec/size=large/num_samples'] == 4
    assert 'rec/words=1-3/P@0.5' in found


@pytest.mark.parametrize(('frame', 'size'), [('original', 'small'), ('input', 'medium')])
def test_sizes_are_those_of_the_original_image(frame, size, make_sample):
    halved = dict(gt_frame=frame, homography_matrix=np.diag([0.5, 0.5, 1]))
    sample = make_sample(0, [[0, 0, 20, 20]], **halved)
    sample.text = 'mug'
    assert groups_of_sample(sample.to_dict())['size'] == (size,)


def test_small_groups_can_be_left_out_and_copies_count_once(make_sample, run):
    samples = [make_sample(i, [A], [A], [0.9]) for i in (0, 0, 1)]
    for sample, text in zip(samples, ('the red mug', 'the red mug', 'mug on the left'), strict=True):
        sample.text = text
    cfg = dict(type='ByGroup', metric=dict(type='RECMetric', thresholds=[0.5]), by=['kind'], least=2)
    assert run(cfg, samples, size=2) == {'rec/P@0.5': 100, 'rec/num_samples': 2}
