"""RefZOMMetric, RRefMetric and PhraseCutMetric: by hand, and against scorers that know nothing but pixels."""

from math import isnan, nan

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from mmvg.evaluation.functional import phrasecut_subsets
from mmvg.evaluation.metrics import PhraseCutMetric, RefZOMMetric, RRefMetric

NONE, LEFT, ALL, RIGHT = [[0, 0, 0, 0]], [[1, 1, 0, 0]], [[1, 1, 1, 1]], [[0, 0, 1, 1]]


def approx(expected):
    return pytest.approx(expected, nan_ok=True)


def test_refzom_by_hand(make_sample, run):
    samples = [
        make_sample(0, gt_mask=LEFT, mask=LEFT),  # IoU 1
        make_sample(1, gt_mask=LEFT, mask=ALL),  # 2 / 4
        make_sample(2, gt_mask=LEFT, mask=NONE, pred_no_target=True),  # missed: 0, U 2
        make_sample(3, gt_mask=NONE, mask=NONE, no_target=True, target_score=0.9),
        make_sample(4, gt_mask=NONE, mask=LEFT, no_target=True, target_score=0.1),
    ]
    expected = {
        'refzom/oIoU': 50,
        'refzom/mIoU': 50,
        'refzom/Acc': 50,
        'refzom/P@0.5': 200 / 3,
        'refzom/P@0.6': 100 / 3,
    }
    found = run(dict(type='RefZOMMetric'), samples)
    assert {key: found[key] for key in expected} == approx(expected)
    assert run(dict(type='RefZOMMetric', no_target_from='score'), samples[:3] + samples[4:])['refzom/Acc'] == 100
    assert run(dict(type='RefZOMMetric', no_target_from='flag'), samples)['refzom/Acc'] == 0
    only_zero = run(dict(type='RefZOMMetric'), samples[3:])
    assert isnan(only_zero['refzom/mIoU'])
    assert only_zero['refzom/Acc'] == 50
    assert isnan(run(dict(type='RefZOMMetric'), samples[:3])['refzom/Acc'])


def test_rref_by_hand(make_sample, run):
    samples = [
        make_sample(0, gt_mask=LEFT, mask=LEFT, ref_id=1),  # 2 / 2
        make_sample(1, gt_mask=LEFT, mask=ALL, ref_id=1),  # 2 / 4
        make_sample(2, gt_mask=NONE, mask=NONE, no_target=True, ref_id=1),  # rejected
        make_sample(3, gt_mask=NONE, mask=ALL, no_target=True, ref_id=1),  # answered with 4 pixels
        make_sample(4, gt_mask=LEFT, mask=RIGHT, ref_id=2),  # 0 / 4
        make_sample(5, gt_mask=NONE, mask=NONE, no_target=True, ref_id=2),  # rejected
    ]
    # ref 1: mIoU 0.75, RR 0.5, rIoU 4 / (6 + 4); ref 2: 0, 1, 0 / 4
    expected = {'rref/mIoU': 37.5, 'rref/mRR': 75, 'rref/rIoU': 20, 'rref/oIoU': 40, 'rref/rIoU_product': 18.75}
    expected['rref/num_samples'] = 6
    for order in (samples, samples[::-1]):  # grouped by ref, not by position
        assert run(dict(type='RRefMetric', product_form=True), order) == approx(expected)


def test_rref_verdicts_by_flag_and_by_score(make_sample, run):
    samples = [
        make_sample(0, gt_mask=LEFT, mask=LEFT, pred_no_target=True, target_score=0.2),
        make_sample(1, gt_mask=NONE, mask=ALL, no_target=True, pred_no_target=True, target_score=0.9),
        make_sample(2, gt_mask=NONE, mask=ALL, no_target=True, pred_no_target=False, target_score=0.2),
    ]
    flag = run(dict(type='RRefMetric', no_target_from='flag'), samples)  # the flag empties positive masks too
    assert (flag['rref/mIoU'], flag['rref/mRR'], flag['rref/rIoU']) == (0, 50, 0)
    score = run(dict(type='RRefMetric', no_target_from='score'), samples)  # the score does not
    assert (score['rref/mIoU'], score['rref/mRR']) == (100, 50)
    assert score['rref/rIoU'] == approx(100 * 2 / (2 + 4))


def test_rref_leaves_out_what_is_undefined(make_sample, run):
    samples = [
        make_sample(0, gt_mask=LEFT, mask=LEFT, ref_id=1),  # no negatives
        make_sample(1, gt_mask=NONE, mask=NONE, no_target=True, ref_id=2),  # no positives, no pixels
    ]
    found = run(dict(type='RRefMetric'), samples)
    assert (found['rref/mIoU'], found['rref/mRR'], found['rref/rIoU']) == (100, 100, 100)


def test_phrasecut_by_hand(make_sample, run):
    samples = [
        make_sample(0, gt_boxes=[[0, 0, 2, 1]], gt_mask=LEFT, mask=ALL),  # 0.5, which is not more than 0.5
        make_sample(1, gt_boxes=[[0, 0, 1, 1], [1, 0, 2, 1]], gt_mask=LEFT, mask=LEFT),
    ]
    found = run(dict(type='PhraseCutMetric'), samples)
    expected = {'mIoU': 75, 'cIoU': 100 * 4 / 6, 'P@0.5': 50, 'P@0.9': 50}
    expected |= {'i_single/mIoU': 50, 'i_multi/mIoU': 100, 's_large/mIoU': 75}
    assert {key: found[f'phrasecut/{key}'] for key in expected} == approx(expected)
    assert not any('s_small' in key for key in found)
    assert not any('/i_' in key for key in run(dict(type='PhraseCutMetric', subsets=False), samples))


@pytest.mark.parametrize(
    ('instances', 'share', 'structure', 'names'),
    [
        (1, 0.0199, None, {'i_single', 's_small'}),
        (4, 0.02, dict(type='name', attributes=[]), {'i_multi', 's_mid', 'p_name'}),
        (5, 0.2, dict(type='attribute', attributes=['a']), {'i_many', 's_mid', 'p_att', 'p_att+'}),
        (
            2,
            0.21,
            dict(type='relation', attributes=['a', 'b'], relation_descriptions=[['on', 'x'], ['by', 'y']]),
            {'i_multi', 's_large', 'p_rel', 'p_att+', 'p_rel+', 'p_attm', 'p_relm', 'p_att_rel'},
        ),
    ],
)
def test_subsets_of_phrasecut(instances, share, structure, names):
    assert set(phrasecut_subsets(instances, share, structure)) == names


@pytest.mark.parametrize('metric', ['RefZOMMetric', 'RRefMetric'])
def test_a_no_target_sample_with_pixels_is_refused(make_sample, run, metric):
    with pytest.raises(ValueError, match='no_target is set, but gt_sem_seg has 2'):
        run(dict(type=metric), [make_sample(0, gt_mask=LEFT, mask=NONE, no_target=True)])


def test_phrasecut_has_a_target_everywhere(make_sample, run):
    with pytest.raises(ValueError, match='every task'):
        run(dict(type='PhraseCutMetric'), [make_sample(0, no_target=True)])


def random_set(rng):
    """Up to 6 samples as dicts, masks of 3 x 4 as arrays or RLE, some empty; and the bare masks."""
    samples, masks = [], []
    for i in range(rng.integers(0, 7)):
        no_target = bool(rng.random() < 0.4)
        gt = rng.random((3, 4)) < (0 if no_target else rng.choice([0.1, 0.5, 1]))
        pred = rng.random((3, 4)) < rng.choice([0, 0.1, 0.5, 1])
        if not no_target and rng.random() < 0.3:
            pred = gt.copy()
        masks.append((pred, gt, no_target))
        given = pred[None] if rng.random() < 0.5 else coco_mask.encode(np.asfortranarray(pred.astype(np.uint8)))
        samples.append(
            dict(
                dataset='d',
                img_id=0,
                ref_id=int(rng.integers(3)),
                sent_id=i,
                no_target=no_target,
                pred_sem_seg=dict(sem_seg=given),
                gt_sem_seg=dict(sem_seg=gt[None]),
                gt_instances=dict(bboxes=np.zeros((1, 4))),
            )
        )
    return samples, masks


def ratio(part, whole):
    return 100 * part / whole if whole else nan


def mean(values):
    return 100 * sum(values) / len(values) if values else nan


def iou(pred, gt):
    return (pred & gt).sum() / (pred | gt).sum() if (pred | gt).any() else 0.0


def test_refzom_equals_a_scorer_on_pixels():
    rng = np.random.default_rng(0)
    metric = RefZOMMetric()
    for _ in range(2000):
        samples, masks = random_set(rng)
        found = metric.summarize([metric.score(sample) for sample in samples])
        targets = [(pred, gt) for pred, gt, nothing in masks if not nothing]
        assert found['mIoU'] == approx(mean([iou(*pair) for pair in targets]))
        parts, wholes = sum((p & g).sum() for p, g in targets), sum((p | g).sum() for p, g in targets)
        assert found['oIoU'] == approx(ratio(parts, wholes))
        assert found['Acc'] == approx(mean([not pred.any() for pred, _, nothing in masks if nothing]))
        assert found['P@0.5'] == approx(mean([iou(*pair) >= 0.5 for pair in targets]))


def test_rref_equals_a_scorer_on_pixels():
    rng = np.random.default_rng(1)
    metric = RRefMetric(product_form=True)
    for _ in range(2000):
        samples, masks = random_set(rng)
        found = metric.summarize([metric.score(sample) for sample in samples])
        ious, rejections, ratios, products = [], [], [], []
        for ref in {sample['ref_id'] for sample in samples}:
            mine = [mask for sample, mask in zip(samples, masks, strict=True) if sample['ref_id'] == ref]
            positive = [(pred, gt) for pred, gt, nothing in mine if not nothing]
            negative = [pred for pred, _, nothing in mine if nothing]
            whole = sum((p | g).sum() for p, g in positive) + sum(pred.sum() for pred in negative)
            if positive:
                ious.append(np.mean([iou(*pair) for pair in positive]))
            if negative:
                rejections.append(np.mean([not pred.any() for pred in negative]))
            if positive and negative:
                products.append(ious[-1] * rejections[-1])
            if whole:
                ratios.append(sum((p & g).sum() for p, g in positive) / whole)
        expected = dict(mIoU=mean(ious), mRR=mean(rejections), rIoU=mean(ratios), rIoU_product=mean(products))
        assert {key: found[key] for key in expected} == approx(expected)


def test_phrasecut_equals_a_scorer_on_pixels():
    rng = np.random.default_rng(2)
    metric = PhraseCutMetric()
    for _ in range(2000):
        samples, masks = random_set(rng)
        pairs = [(sample, pred, gt) for sample, (pred, gt, nothing) in zip(samples, masks, strict=True) if not nothing]
        found = metric.summarize([metric.score(sample) for sample, _, _ in pairs])
        ious = [iou(pred, gt) for _, pred, gt in pairs]
        assert found['mIoU'] == approx(mean(ious))
        assert found['cIoU'] == approx(
            ratio(sum((p & g).sum() for _, p, g in pairs), sum((p | g).sum() for _, p, g in pairs))
        )
        assert found['P@0.5'] == approx(mean([value > 0.5 for value in ious]))
        large = [iou(pred, gt) for _, pred, gt in pairs if gt.mean() > 0.2]
        assert found.get('s_large/mIoU', nan) == approx(mean(large))
