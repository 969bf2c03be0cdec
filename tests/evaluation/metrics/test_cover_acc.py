from math import isnan

import pytest

A, B = [0, 0, 10, 10], [20, 0, 30, 10]


def test_each_expression_weighs_the_same_and_those_without_a_target_nothing(make_sample, run):
    samples = [
        make_sample(0, [A, B], points=[[5, 5], [15, 5]]),  # half
        make_sample(1, [A], points=[[10, 0]]),  # on the corner
        make_sample(2, points=[[5, 5]], no_target=True),
    ]
    assert run(dict(type='CoverAcc'), samples) == {'cover/CoverAcc': 75, 'cover/num_samples': 3}


def test_a_set_without_any_target_is_undefined(make_sample, run):
    assert isnan(run(dict(type='CoverAcc'), [make_sample(0, points=[[5, 5]], no_target=True)])['cover/CoverAcc'])


def test_a_model_without_points_is_told_so(make_sample, run):
    with pytest.raises(ValueError, match=r'sent_id=0: pred_instances.points is missing'):
        run(dict(type='CoverAcc'), [make_sample(0, [A])])
