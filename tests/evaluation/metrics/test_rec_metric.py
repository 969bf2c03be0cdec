import pytest

BOX = [0, 0, 10, 10]


def test_two_expressions_by_hand(make_sample, run):
    samples = [
        make_sample(0, [BOX], boxes=[[0, 0, 10, 6], BOX], scores=[0.9, 0.8]),  # IoU 0.6, the best box is not chosen
        make_sample(1, [BOX], boxes=[[0, 0, 10, 5]], scores=[0.01]),  # IoU 0.5 is a hit
    ]
    found = run(dict(type='RECMetric'), samples)
    expected = {'rec/P@0.5': 100, 'rec/P@0.6': 50, 'rec/P@0.7': 0, 'rec/P@0.8': 0, 'rec/P@0.9': 0}
    assert found == {**expected, 'rec/num_samples': 2}


def test_an_answer_without_boxes_is_a_miss(make_sample, run):
    assert run(dict(type='RECMetric', thresholds=[0.5]), [make_sample(0, [BOX])])['rec/P@0.5'] == 0


@pytest.mark.parametrize(
    ('gt_boxes', 'no_target', 'message'), [([], True, 'not 0; use GRECMetric'), ([BOX, BOX], False, 'not 2')]
)
def test_another_number_of_targets_belongs_to_another_metric(make_sample, run, gt_boxes, no_target, message):
    with pytest.raises(ValueError, match=message):
        run(dict(type='RECMetric'), [make_sample(0, gt_boxes, no_target=no_target)])
