"""Expected values are calculated by hand from the equation of the paper."""

import pytest
import torch

from mmvg.models.losses import GroundingTargets, Matching, WeightBalancedDistillation

#: Two images of 16 x 16: the first has two targets, its left and its right half, and the second has none.
MASKS = torch.zeros(2, 16, 16)
MASKS[0, :, :8] = MASKS[1, :, 8:] = 1
TARGETS = GroundingTargets.from_masks(MASKS, counts=[2, 0])
#: Of three queries, the first has found the right half, and the last a quarter of the whole: half of the left half.
MATCHING = Matching(torch.tensor([[[1, -1, 0], [-1, -1, -1]]]))
BOXES = torch.tensor([[[0.75, 0.5, 0.5, 1.0], [0.1, 0.1, 0.1, 0.1], [0.25, 0.25, 0.5, 0.5]]] * 2)


def logits_of(*probabilities):
    """Class logits (2, 3, 2) of queries with these probabilities in both images."""
    return torch.tensor([[[p, 1 - p] for p in probabilities]] * 2).log()


def test_the_balance_is_the_mean_of_score_times_overlap_over_the_pairs():
    taught, balance = WeightBalancedDistillation().teach(logits_of(0.9, 0.8, 0.4), BOXES, MATCHING, TARGETS)
    assert float(balance) == pytest.approx((0.9 * 1.0 + 0.4 * 0.5) / 2)
    assert taught.counts == [2, 0]
    assert torch.equal(taught.boxes_cxcywh_norm, BOXES[0, [0, 2]])
    assert taught.masks is None


def test_a_perfect_teacher_takes_the_place_of_the_truth():
    boxes = BOXES.clone()
    boxes[0, 2] = torch.tensor([0.25, 0.5, 0.5, 1.0])
    _, balance = WeightBalancedDistillation().teach(logits_of(1.0, 0.0, 1.0), boxes, MATCHING, TARGETS)
    assert float(balance) == pytest.approx(1.0)


def test_without_any_pair_the_truth_alone_counts():
    nothing = Matching(torch.full((1, 2, 3), -1))
    empty = GroundingTargets.from_masks(torch.zeros(0, 16, 16), counts=[0, 0])
    taught, balance = WeightBalancedDistillation().teach(logits_of(0.9, 0.8, 0.4), BOXES, nothing, empty)
    assert float(balance) == 0
    assert taught.counts == [0, 0]
    assert taught.boxes_cxcywh_norm.shape == (0, 4)


def test_losses_are_weighed_and_the_balance_is_none_of_them():
    distillation = WeightBalancedDistillation(truth_weight=2.0, teacher_weight=0.5)
    found = distillation(dict(loss_cls=torch.tensor(3.0)), dict(loss_cls=torch.tensor(8.0)), torch.tensor(0.25))
    assert {name: float(value) for name, value in found.items()} == {
        'token.loss_cls': 0.75 * 2 * 3,
        'taught.loss_cls': 0.25 * 0.5 * 8,
        'teacher_trust': 0.25,
    }


def test_a_given_balance_takes_the_place_of_the_computed_one():
    _, balance = WeightBalancedDistillation(balance=0.5).teach(logits_of(0.9, 0.8, 0.4), BOXES, MATCHING, TARGETS)
    assert float(balance) == 0.5


def test_the_teacher_learns_nothing_from_the_student():
    logits, boxes = logits_of(0.9, 0.8, 0.4).requires_grad_(), BOXES.clone().requires_grad_()
    taught, balance = WeightBalancedDistillation().teach(logits, boxes, MATCHING, TARGETS)
    assert not balance.requires_grad
    assert not taught.boxes_cxcywh_norm.requires_grad
