import pytest
import torch

from mmvg.models.losses import AdaptiveDiceMaskLoss, BinaryMaskLoss, GroundingTargets, SegmentationLosses


def batch():
    generator = torch.Generator().manual_seed(0)
    union = torch.randint(0, 2, (2, 1, 8, 8), generator=generator).to(torch.uint8)
    union[1] = 0  # a sample without a target
    targets = GroundingTargets(torch.zeros(0, 4), [0, 0], None, union, torch.zeros(2).bool(), (8, 8))
    return torch.randn(2, 1, 4, 4, generator=generator).requires_grad_(), targets


def dice(library, **options):
    return dict(type=f'{library}.DiceLoss', naive_dice=True, eps=1.0, loss_weight=0.5, **options)


@pytest.mark.parametrize(
    'losses',
    [
        dict(pixel_losses=dict(dice=dice('mmseg'))),
        dict(pixel_losses=dict(dice=dice('mmdet'))),
        dict(class_losses=dict(dice=dice('mmseg', use_sigmoid=False, ignore_index=0))),
    ],
)
def test_the_dice_losses_of_both_libraries_are_ours(losses):
    logits, targets = batch()
    ours = BinaryMaskLoss(dice_weight=0.5)(logits, targets)['loss_dice']
    torch.testing.assert_close(SegmentationLosses(**losses)(logits, targets)['loss_dice'], ours, rtol=0, atol=1e-6)


@pytest.mark.parametrize('weights', [None, (0.9, 1.1)])
def test_cross_entropy_over_two_classes_is_ours(weights):
    logits, targets = batch()
    ours = BinaryMaskLoss(class_weights=weights, dice_weight=0)(logits, targets)['loss_bce']
    theirs = dict(type='mmseg.CrossEntropyLoss', class_weight=weights and list(weights))
    losses = SegmentationLosses(class_losses=dict(bce=theirs))(logits, targets)
    torch.testing.assert_close(losses['loss_bce'], ours, rtol=0, atol=1e-6)


@pytest.mark.parametrize('library', ['mmseg', 'mmdet'])
def test_the_focal_losses_of_both_libraries_are_ours(library):
    logits, targets = batch()
    ours = AdaptiveDiceMaskLoss(bce_weight=0, dice_weight=0)(logits, targets)['loss_focal']
    focal = dict(type=f'{library}.FocalLoss', alpha=0.25, gamma=2.0)
    losses = SegmentationLosses(pixel_losses=dict(focal=focal), resolution='output')(logits, targets)
    torch.testing.assert_close(losses['loss_focal'], ours, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    'loss',
    [
        dict(type='mmseg.TverskyLoss', alpha=0.3, beta=0.7),
        dict(type='mmseg.LovaszLoss', per_image=True),
        dict(type='mmseg.OhemCrossEntropy'),
    ],
)
def test_losses_that_we_do_not_have_learn(loss):
    logits, targets = batch()
    value = SegmentationLosses(class_losses=dict(new=loss))(logits, targets)['loss_new']
    value.backward()
    assert torch.isfinite(logits.grad).all()
    union = torch.nn.functional.adaptive_avg_pool2d(targets.union.float(), 4)
    assert logits.grad[union > 0.5].mean() < logits.grad[union < 0.5].mean()  # up inside, down outside


def test_names_are_needed_and_differ():
    with pytest.raises(ValueError, match='at least one loss'):
        SegmentationLosses()
    with pytest.raises(ValueError, match='a name of its own'):
        SegmentationLosses(dict(dice=dice('mmseg')), dict(dice=dice('mmdet')))
