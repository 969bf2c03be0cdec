import math
from dataclasses import replace

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
    losses = MinimapLoss(attention_input=attention_input, target='nearest')(attention, targets_of(UNION))
    probabilities = [1 / (1 + math.exp(-a)) for a in ATTENTION] if attention_input == 'prob_as_logit' else ATTENTION
    bce, dice = bce_dice(probabilities, CELLS)
    assert losses['loss_minimap_bce'].item() == pytest.approx(0.1 * bce, rel=1e-5)
    assert losses['loss_minimap_dice'].item() == pytest.approx(0.1 * dice, rel=1e-5)


def test_a_cell_is_to_be_as_much_as_it_is_covered():
    attention = torch.tensor([0.5, 0.0, 0.0, 0.5]).view(1, 2, 2)  # of UNION each of two cells is half full
    exact = MinimapLoss(attention_input='prob')(attention, targets_of(UNION))
    assert exact['loss_minimap_bce'].item() == pytest.approx(0.1 * math.log(2) / 2, rel=1e-4)
    assert (
        exact['loss_minimap_bce']
        < MinimapLoss(attention_input='prob')(attention + 0.1, targets_of(UNION))['loss_minimap_bce']
    )
    with pytest.raises(ValueError, match="not 'middle'"):
        MinimapLoss(target='middle')


@pytest.mark.parametrize('target', ['area', 'nearest'])
def test_where_the_best_attention_lies(target):
    union = torch.zeros(1, 1, 96, 96, dtype=torch.uint8)
    union[..., 21:60, 33:75] = 1  # around (54, 40.5)
    targets = GroundingTargets(torch.zeros(0, 4), [0], None, union, torch.tensor([False]), (96, 96))
    free = torch.zeros(1, 6, 6, requires_grad=True)
    optimizer = torch.optim.Adam([free], lr=0.3)
    for _ in range(200):
        optimizer.zero_grad()
        MinimapLoss(attention_input='prob', target=target)(free.sigmoid(), targets)['loss_minimap_bce'].backward()
        optimizer.step()
    cells = free.detach().sigmoid()[0]
    middles = 16 * torch.arange(6) + 8
    x, y = (cells.sum(0) * middles).sum() / cells.sum(), (cells.sum(1) * middles).sum() / cells.sum()
    offset = (x.item() - 54, y.item() - 40.5)
    if target == 'area':
        assert max(map(abs, offset)) < 0.5  # a cell has but one middle
    else:
        assert min(offset) > 6


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


def test_images_with_boxes_only_take_no_part():
    attention = torch.tensor([[[0.1, 0.2], [0.3, 0.4]], [[0.4, 0.1], [0.1, 0.4]]], requires_grad=True)
    alone, none = targets_of(UNION), targets_of(UNION)
    none.mask_known = [False]
    both = replace(alone, union=alone.union.repeat(2, 1, 1, 1), mask_known=[False, True])
    assert MinimapLoss()(attention, both) == MinimapLoss()(attention[1:], alone)
    losses = MinimapLoss()(attention[:1], none)
    sum(losses.values()).backward()
    assert [loss.item() for loss in losses.values()] == [0, 0]
    assert not attention.grad.any()
