import pytest

GT = [[1, 1], [1, 1]]


def test_each_data_set_is_scored_by_itself_and_the_mean_does_not_weigh_them(make_sample, run):
    samples = [
        make_sample(0, gt_mask=GT, mask=GT, dataset='refcoco'),
        make_sample(1, gt_mask=GT, mask=[[1, 1], [0, 0]], dataset='refcoco'),
        make_sample(2, gt_mask=GT, mask=GT, dataset='refcoco'),
        make_sample(0, gt_mask=GT, mask=[[1, 0], [0, 0]], dataset='refcocog'),
    ]
    found = run(dict(type='MeanOverDatasets', metric=dict(type='RESMetric', thresholds=[0.5])), samples)
    assert found == {
        'res/refcoco/mIoU': pytest.approx(250 / 3),
        'res/refcoco/oIoU': pytest.approx(250 / 3),
        'res/refcoco/P@0.5': 100,
        'res/refcoco/num_samples': 3,
        'res/refcocog/mIoU': 25,
        'res/refcocog/oIoU': 25,
        'res/refcocog/P@0.5': 0,
        'res/refcocog/num_samples': 1,
        'res/mean/mIoU': pytest.approx((250 / 3 + 25) / 2),
        'res/mean/oIoU': pytest.approx((250 / 3 + 25) / 2),
        'res/mean/P@0.5': 50,
    }


def test_copies_of_a_sample_count_once(make_sample, run):
    samples = [make_sample(0, gt_mask=GT, mask=GT), make_sample(0, gt_mask=GT, mask=GT)]
    found = run(dict(type='MeanOverDatasets', metric=dict(type='RESMetric')), samples, size=1)
    assert found['res/grefcoco/num_samples'] == 1
    assert found['res/mean/mIoU'] == 100


def test_a_data_set_in_which_nothing_can_be_scored_is_not_part_of_the_mean(make_sample, run):
    samples = [make_sample(0, gt_mask=GT, mask=GT, dataset='refcoco'), make_sample(1, dataset='refl4', boxes_only=True)]
    found = run(dict(type='MeanOverDatasets', metric=dict(type='RESMetric')), samples)
    assert (found['res/mean/mIoU'], found['res/refl4/num_boxes_only']) == (100, 1)
