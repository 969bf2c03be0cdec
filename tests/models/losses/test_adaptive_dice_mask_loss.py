import math

import pytest
import torch

from mmvg.models.losses import AdaptiveDiceMaskLoss, GroundingTargets
from mmvg.registry import MODELS

P = [0.9, 0.4, 0.2, 0.7]
Y = [1.0, 1.0, 0.0, 0.0]


def logits_of(probabilities):
    return torch.tensor([math.log(p / (1 - p)) for p in probabilities]).view(1, 1, 2, -1)


def masks(values):
    return torch.tensor(values).view(1, 1, 2, -1)


@pytest.mark.parametrize('pixel_weight', ['error', 'focal'])
def test_the_terms_of_two_by_two_pixels_by_hand(pixel_weight):
    loss = MODELS.build(
        dict(
            type=AdaptiveDiceMaskLoss,
            bce_weight=2.0,
            focal_weight=3.0,
            dice_weight=0.5,
            pixel_weight=pixel_weight,
            eps=0.25,
        )
    )
    losses = loss.compare(logits_of(P), masks(Y))
    bce = -(math.log(0.9) + math.log(0.4) + math.log(0.8) + math.log(0.3)) / 4
    focal = -(
        0.25 * 0.1**2 * math.log(0.9)
        + 0.25 * 0.6**2 * math.log(0.4)
        + 0.75 * 0.2**2 * math.log(0.8)
        + 0.75 * 0.7**2 * math.log(0.3)
    ) / 4  # fmt: skip
    a = [0.1, 0.6, 0.2, 0.7] if pixel_weight == 'error' else [0.1**2, 0.6**2, 0.8**2, 0.3**2]
    overlap = a[0] * 0.9 + a[1] * 0.4
    sums = sum(w * p for w, p in zip(a, P, strict=True)) + a[0] + a[1]
    dice = 1 - (2 * overlap + 0.25) / (sums + 0.25)
    assert {name: value.item() for name, value in losses.items()} == pytest.approx(
        dict(loss_bce=2 * bce, loss_focal=3 * focal, loss_dice=0.5 * dice), rel=1e-5
    )


def test_dice_is_the_mean_over_samples_not_over_the_batch_as_one():
    loss = AdaptiveDiceMaskLoss(bce_weight=0, focal_weight=0)
    logits, targets = torch.cat([logits_of(P), logits_of(P[::-1])]), torch.cat([masks(Y), masks([1.0, 0.0, 0.0, 0.0])])
    each = [loss.compare(logits[i : i + 1], targets[i : i + 1])['loss_dice'] for i in range(2)]
    assert torch.allclose(loss.compare(logits, targets)['loss_dice'], sum(each) / 2)
    assert not torch.allclose(each[0], each[1])


@pytest.mark.parametrize('pixel_weight', ['error', 'focal'])
@pytest.mark.parametrize('p', [0.3, 0.6, 0.9, 0.99])
def test_a_pixel_of_the_target_is_never_pushed_down(pixel_weight, p):
    """100 pixels of the target at p, 400 others at 0.3; a gradient through the weight would be positive at 0.9."""
    targets = torch.cat([torch.ones(100), torch.zeros(400)]).view(1, 1, 20, 25)
    logits = torch.where(targets > 0, math.log(p / (1 - p)), math.log(0.3 / 0.7)).requires_grad_()
    losses = AdaptiveDiceMaskLoss(pixel_weight=pixel_weight).compare(logits, targets)
    for value in losses.values():
        (gradient,) = torch.autograd.grad(value, logits, retain_graph=True)
        assert gradient[targets > 0].max() <= 0
        assert gradient[targets == 0].min() >= 0


@pytest.mark.parametrize('pixel_weight', ['error', 'focal'])
@pytest.mark.parametrize('target', [0.0, 1.0])
@pytest.mark.parametrize('logit', [-200.0, 0.0, 200.0])
def test_perfect_and_empty_predictions_are_finite(pixel_weight, target, logit):
    logits = torch.full((2, 1, 4, 4), logit, requires_grad=True)
    losses = AdaptiveDiceMaskLoss(pixel_weight=pixel_weight).compare(logits, torch.full_like(logits, target).detach())
    sum(losses.values()).backward()
    assert all(value.isfinite() for value in losses.values())
    assert logits.grad.isfinite().all()
    assert logits.grad.abs().max() < 1
    if pixel_weight == 'error' and logit * (2 * target - 1) > 0:  # right everywhere
        assert all(value < 1e-6 for value in losses.values())


def test_half_precision_logits_are_compared_in_single_precision():
    logits = torch.full((1, 1, 2, 2), 30.0, dtype=torch.bfloat16, requires_grad=True)
    union = torch.zeros(1, 1, 8, 8, dtype=torch.uint8)
    targets = GroundingTargets(torch.zeros(0, 4), [0], None, union, torch.ones(1).bool(), (8, 8))
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = AdaptiveDiceMaskLoss()(logits, targets)
    assert {value.dtype for value in losses.values()} == {torch.float32}
    assert losses['loss_bce'].item() == 30


def test_a_term_without_weight_is_left_out_and_nonsense_is_refused():
    cris = AdaptiveDiceMaskLoss(focal_weight=0, dice_weight=0).compare(logits_of(P), masks(Y))
    assert list(cris) == ['loss_bce']
    with pytest.raises(ValueError, match='nothing to learn'):
        AdaptiveDiceMaskLoss(0, 0, 0)
    with pytest.raises(ValueError, match=r"'error' or 'focal', not 'errors'"):
        AdaptiveDiceMaskLoss(pixel_weight='errors')
