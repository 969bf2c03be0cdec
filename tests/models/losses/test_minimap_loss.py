import math

import pytest
import torch

from mmvg.models.losses import GroundingTargets, MinimapLoss


def targets_of(union):
    """``union``: (H, W)."""
    union = torch.tensor(union, dtype=torch.uint8)[None, None]
    return GroundingTargets(torch.zeros(0, 4), [0], None, union, torch.tensor([False]), tuple(union.shape[-2:]))


def bce_dice(probabilities, targets):
    pairs = list(zip(probabilities, targets, strict=True))
    bce = -sum(math.log(p if t else 1 - p) for p, t in pairs) / len(pairs)
    return bce, 1 - (2 * sum(p * t for p, t in pairs) + 1) / (sum(probabilities) + sum(targets) + 1)


UNION = [[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0]]  # nearest to 2 x 2 reads rows and columns 0 and 2
CELLS = [1, 0, 0, 1]
ATTENTION = [0.1, 0.2, 0.3, 0.4]


@pytest.mark.parametrize('attention_input', ['prob_as_logit', 'prob'])
def test_minimap_loss_reads_attention_as_logit_or_as_probability(attention_input):
    attention = torch.tensor(ATTENTION).view(1, 2, 2).requires_grad_()
    losses = MinimapLoss(attention_input=attention_input)(attention, targets_of(UNION))
    probabilities = [1 / (1 + math.exp(-a)) for a in ATTENTION] if attention_input == 'prob_as_logit' else ATTENTION
    bce, dice = bce_dice(probabilities, CELLS)
    assert losses['loss_minimap_bce'].item() == pytest.approx(0.1 * bce, rel=1e-5)
    assert losses['loss_minimap_dice'].item() == pytest.approx(0.1 * dice, rel=1e-5)


@pytest.mark.parametrize('attention_input', ['prob_as_logit', 'prob'])
def test_no_target_and_weights_of_zero_or_above_one_are_finite(attention_input):
    attention = torch.tensor([[[0.0, 1.0], [1.1, 0.5]]], requires_grad=True)
    losses = MinimapLoss(attention_input=attention_input)(attention, targets_of([[0] * 4] * 4))
    sum(losses.values()).backward()
    assert all(loss.isfinite() for loss in losses.values())
    assert attention.grad.isfinite().all()


def test_missing_masks_and_unknown_input_are_errors():
    targets = targets_of(UNION)
    targets.union = None
    with pytest.raises(ValueError, match='gt_sem_seg'):
        MinimapLoss()(torch.zeros(1, 2, 2), targets)
    with pytest.raises(ValueError, match='attention_input'):
        MinimapLoss(attention_input='logit')
