import math

import pytest
import torch

from mmvg.models.losses import GroundingTargets, NoTargetLoss


def loss_of(logits, no_target):
    targets = GroundingTargets(torch.zeros(0, 4), [0] * len(no_target), None, None, torch.tensor(no_target), (4, 4))
    return NoTargetLoss()(torch.tensor(logits), targets)['loss_no_target'].item()


def test_class_zero_means_a_target_and_class_one_means_none():
    # cross-entropies log(1 + e^-2) of a right and log(1 + e^1) of a wrong verdict; weights 0.9 and 1.1
    expected = 0.2 * (0.9 * math.log1p(math.exp(-2)) + 1.1 * math.log1p(math.e)) / 2
    assert loss_of([[2.0, 0.0], [1.0, 0.0]], [False, True]) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize('no_target', [True, False])
def test_a_batch_of_one_kind_is_a_plain_mean(no_target):
    expected = 0.2 * math.log(2)
    assert loss_of([[0.0, 0.0], [3.0, 3.0]], [no_target] * 2) == pytest.approx(expected, rel=1e-5)
