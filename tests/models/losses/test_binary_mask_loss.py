import pytest
import torch
import torch.nn.functional as F

from mmvg.models.losses import BinaryMaskLoss, GroundingTargets


def targets(union):
    return GroundingTargets(torch.zeros(0, 4), [0] * len(union), None, union, torch.zeros(len(union)).bool(), (4, 4))


def test_class_weights_make_it_lavts_cross_entropy():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 2, 4, 4, generator=generator)
    union = torch.randint(0, 2, (2, 1, 4, 4), generator=generator).to(torch.uint8)
    expected = F.cross_entropy(logits, union[:, 0].long(), weight=torch.tensor([0.9, 1.1]))
    losses = BinaryMaskLoss(dice_weight=0.0, class_weights=(0.9, 1.1))(logits[:, 1:] - logits[:, :1], targets(union))
    assert set(losses) == {'loss_bce'}
    torch.testing.assert_close(losses['loss_bce'], expected)


def test_hand_calculation_at_probability_one_half():
    union = torch.zeros(1, 1, 4, 4, dtype=torch.uint8)
    union[..., :2] = 1  # 8 of 16 pixels
    losses = BinaryMaskLoss(bce_weight=2.0, dice_weight=3.0)(torch.zeros(1, 1, 2, 2), targets(union))
    assert losses['loss_bce'].item() == pytest.approx(2 * 0.693147, rel=1e-5)
    assert losses['loss_dice'].item() == pytest.approx(3 * (1 - (2 * 4 + 1) / (8 + 8 + 1)), rel=1e-5)


def test_masks_are_needed():
    nothing = targets(torch.zeros(1, 1, 4, 4))
    nothing.union = None
    with pytest.raises(ValueError, match='needs gt_sem_seg'):
        BinaryMaskLoss()(torch.zeros(1, 1, 2, 2), nothing)


def test_the_dice_of_two_classes_is_the_mean_over_target_and_background():
    generator = torch.Generator().manual_seed(0)
    both = torch.randn(3, 2, 4, 4, generator=generator)
    union = torch.randint(0, 2, (3, 1, 4, 4), generator=generator).to(torch.uint8)
    union[2] = 0  # nothing is meant
    probability, truth = both.softmax(1), torch.cat([1 - union, union], 1).float()
    overlap, area = (probability * truth).sum((2, 3)), (probability + truth).sum((2, 3))
    expected = (1 - (2 * overlap + 1) / (area + 1)).mean()
    loss = BinaryMaskLoss(bce_weight=0.0, dice_classes=2)
    losses = loss(both[:, 1:] - both[:, :1], targets(union))
    assert set(losses) == {'loss_dice'}
    torch.testing.assert_close(losses['loss_dice'], expected)
    with pytest.raises(ValueError, match='dice_classes must be 1 or 2, not 3'):
        BinaryMaskLoss(dice_classes=3)
