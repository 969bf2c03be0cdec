import pytest

GT = [[1, 1, 0], [1, 1, 0]]


def test_two_expressions_by_hand(make_sample, run):
    samples = [
        make_sample(0, gt_mask=GT, mask=[[1, 1, 1], [1, 1, 0]]),  # 4 of 5
        make_sample(1, gt_mask=GT, mask=[[0, 0, 1], [1, 1, 0]]),  # 2 of 5
    ]
    assert run(dict(type='RESMetric'), samples) == {
        'res/mIoU': pytest.approx(60),
        'res/oIoU': pytest.approx(60),
        'res/P@0.5': 50,
        'res/P@0.6': 50,
        'res/P@0.7': 50,
        'res/P@0.8': 50,
        'res/P@0.9': 0,
        'res/num_samples': 2,
    }


@pytest.mark.parametrize(('comparison', 'share'), [('>=', 100), ('>', 0)])
def test_an_iou_of_exactly_x_counts_or_not(make_sample, run, comparison, share, capsys):
    sample = make_sample(0, gt_mask=[[1, 1]], mask=[[1, 0]])
    assert run(dict(type='RESMetric', comparison=comparison), [sample])['res/P@0.5'] == share
    assert f'precision=IoU {comparison} X' in capsys.readouterr().out


def test_large_objects_weigh_more_in_the_overall_iou_only(make_sample, run):
    samples = [
        make_sample(0, gt_mask=[[1, 0]], mask=[[1, 1]]),
        make_sample(1, gt_mask=[[1] * 8], mask=[[1] * 8]),
    ]
    found = run(dict(type='RESMetric', thresholds=[0.5]), samples)
    assert found['res/mIoU'] == 75
    assert found['res/oIoU'] == pytest.approx(90)


def test_masks_of_different_size_are_refused_with_the_ids(make_sample, run):
    sample = make_sample(7, gt_mask=GT, mask=[[1, 1], [0, 0]])
    with pytest.raises(ValueError, match=r"dataset='grefcoco' img_id=1 ref_id=2 sent_id=7: .*\(2, 2\).*\(2, 3\)"):
        run(dict(type='RESMetric'), [sample])


def test_a_no_target_expression_belongs_to_another_metric(make_sample, run):
    with pytest.raises(ValueError, match=r'sent_id=0: .*use GRESMetric'):
        run(dict(type='RESMetric'), [make_sample(0, no_target=True)])
