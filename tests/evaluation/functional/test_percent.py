from math import isnan

import numpy as np

from mmvg.evaluation.functional import mean_percent, percent, percent_at_least


def test_a_share_of_nothing_is_undefined():
    assert isnan(percent(0, 0))
    assert isnan(mean_percent([]))
    assert isnan(percent_at_least([], 0.5))


def test_the_threshold_itself_counts():
    assert percent_at_least([0.5, 0.49, 0.7, 7 / 10], 0.5) == 75
    assert percent_at_least([7 / 10, 0.69], 0.7) == 50


def test_every_order_gives_the_same_last_bit():
    rng = np.random.default_rng(0)
    values = rng.random(1000)
    assert len({mean_percent(rng.permutation(values)) for _ in range(50)}) == 1
    assert len({float(np.add.accumulate(rng.permutation(values))[-1]) for _ in range(50)}) > 1  # a plain sum does not
