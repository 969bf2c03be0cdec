from math import isnan

import pytest

A, B = [0, 0, 100, 100], [200, 0, 300, 100]
SHIFTED = [17, 17, 117, 117]  # IoU 0.525, GIoU 0.483 with A


def test_a_mixed_set_by_hand(make_sample, run):
    samples = [
        make_sample(0, [A, B], [B, A, A], [0.9, 0.8, 0.3]),  # right: the third box does not pass
        make_sample(1, [A, B], [A], [0.9]),  # one missing
        make_sample(2, [A], [A, B], [0.9, 0.9]),  # one too many
        make_sample(3, [A], [A], [0.5]),  # none passes: against T-acc, too
        make_sample(4, [], [A], [0.69], no_target=True),  # right
        make_sample(5, [], [A], [0.71], no_target=True),
        make_sample(6, [], no_target=True),  # right, without any box
        make_sample(7, [A]),
    ]
    found = run(dict(type='GRECMetric'), samples)
    assert found == {
        'grec/F1': pytest.approx(100 * 3 / 8),
        'grec/N-acc': pytest.approx(200 / 3),
        'grec/T-acc': pytest.approx(60),
        'grec/num_samples': 8,
    }


def test_matching_is_by_giou_unless_iou_is_asked_for(make_sample, run):
    samples = [make_sample(0, [A], [SHIFTED], [0.9])]
    assert run(dict(type='GRECMetric'), samples)['grec/F1'] == 0
    assert run(dict(type='GRECMetric', matching='iou'), samples)['grec/F1'] == 100


def test_the_comparison_decides_about_a_score_at_the_threshold(make_sample, run):
    samples = [make_sample(0, [A], [A], [0.5])]
    assert run(dict(type='GRECMetric', score_thr=0.5), samples)['grec/F1'] == 100
    assert run(dict(type='GRECMetric', score_thr=0.5, comparison='>'), samples)['grec/F1'] == 0
    at_seven_tenths = [make_sample(0, [A], [A], [0.7])]  # a float32, so just below
    assert run(dict(type='GRECMetric'), at_seven_tenths)['grec/F1'] == 0


def test_only_no_target_expressions(make_sample, run):
    found = run(dict(type='GRECMetric'), [make_sample(0, no_target=True), make_sample(1, no_target=True)])
    assert found['grec/F1'] == found['grec/N-acc'] == 100
    assert isnan(found['grec/T-acc'])


def test_no_no_target_expression(make_sample, run):
    found = run(dict(type='GRECMetric'), [make_sample(0, [A], [A], [0.9])])
    assert (found['grec/F1'], found['grec/N-acc'], found['grec/T-acc']) == (100, 0, 100)


@pytest.mark.parametrize(
    ('boxes', 'scores', 'message'),
    [
        ([[0, 0, float('nan'), 1]], [0.9], 'box 0, .*not finite'),
        ([A, [9, 0, 1, 1]], [0.9, 0.1], 'box 1, .*x2 < x1'),
        ([A], [float('nan')], 'score 0 is not finite'),
    ],
)
def test_a_broken_prediction_is_refused_with_the_ids(make_sample, run, boxes, scores, message):
    with pytest.raises(ValueError, match=f'GRECMetric, dataset=.grefcoco. img_id=1 ref_id=2 sent_id=5: {message}'):
        run(dict(type='GRECMetric'), [make_sample(4, [A]), make_sample(5, [A], boxes, scores)])


@pytest.mark.parametrize(
    ('gt_boxes', 'no_target', 'message'), [([A], True, 'has 1 boxes'), ([], False, "has 0 boxes.*crowd='keep'")]
)
def test_a_contradictory_annotation_is_refused(make_sample, run, gt_boxes, no_target, message):
    with pytest.raises(ValueError, match=message):
        run(dict(type='GRECMetric'), [make_sample(0, gt_boxes, no_target=no_target)])


@pytest.mark.parametrize('wrong', [dict(matching='diou'), dict(comparison='<'), dict(resolution='320')])
def test_an_unknown_protocol_is_refused(run, wrong):
    with pytest.raises(ValueError, match=f'{next(iter(wrong))} must be'):
        run(dict(type='GRECMetric', **wrong), [])
