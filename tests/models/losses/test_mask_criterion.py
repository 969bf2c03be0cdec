import math

import pytest
import torch

from mmvg.models.losses import GroundingTargets, MaskCriterion, Matching


def softplus(x):
    return math.log1p(math.exp(x))


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def bce_dice(pixels):
    """Plain formulas over pairs (logit, target) of the pixels of one mask."""
    bce = sum(softplus(x) - x * t for x, t in pixels) / len(pixels)
    inter, p, t = (sum(f) for f in zip(*((sigmoid(x) * t, sigmoid(x), t) for x, t in pixels), strict=True))
    return bce, 1 - (2 * inter + 1) / (p + t + 1)


def targets_of(masks, counts):
    """``masks``: (T, H, W) nested list."""
    masks = torch.tensor(masks, dtype=torch.uint8).reshape(sum(counts), 4, 4)
    return GroundingTargets(
        boxes_cxcywh_norm=torch.zeros(sum(counts), 4),
        counts=counts,
        masks=masks,
        union=torch.stack([m.any(0, keepdim=True) for m in masks.split(counts)]).byte(),
        no_target=torch.tensor([n == 0 for n in counts]),
        input_shape=(4, 4),
    )


TOP = [[1] * 4] * 2 + [[0] * 4] * 2
LEFT = [[1, 1, 0, 0]] * 4


def constant(*values):
    """Maps (len(values), 2, 2) that are constant, so that upsampling leaves their values alone."""
    return torch.tensor(values, dtype=torch.float32)[:, None, None].expand(-1, 2, 2).clone()


def test_each_loss_is_its_plain_formula_with_constant_logits():
    instance = constant(2.0, -1.0, 0.5)[None].requires_grad_()  # B = 1, Q = 3
    global_logits = constant(1.0)[None].requires_grad_()
    matching = Matching(torch.tensor([[[1, -1, 0]]]))
    losses = MaskCriterion()(global_logits, targets_of([TOP, LEFT], [2]), instance, matching)
    union = [(1.0, 1)] * 12 + [(1.0, 0)] * 4
    bce, dice = bce_dice(union)
    assert losses['loss_mask_global_bce'].item() == pytest.approx(bce, rel=1e-5)
    assert losses['loss_mask_global_dice'].item() == pytest.approx(dice, rel=1e-5)
    pairs = [bce_dice([(x, 1)] * 8 + [(x, 0)] * 8) for x in (2.0, 0.5)]
    assert losses['loss_mask_pos_bce'].item() == pytest.approx((pairs[0][0] + pairs[1][0]) / 2, rel=1e-5)
    assert losses['loss_mask_pos_dice'].item() == pytest.approx((pairs[0][1] + pairs[1][1]) / 2, rel=1e-5)
    bce, dice = bce_dice([(-1.0, 0)] * 16)
    assert losses['loss_mask_neg_bce'].item() == pytest.approx(0.2 * bce, rel=1e-5)
    assert losses['loss_mask_neg_dice'].item() == pytest.approx(0.2 * dice, rel=1e-5)


def test_query_and_mask_are_those_that_the_matcher_paired():
    confident = torch.where(torch.tensor([TOP, LEFT], dtype=torch.bool)[:, ::3, ::3], 20.0, -20.0)[None]  # (1, 2, 2, 2)
    criterion = MaskCriterion(resolution='output')
    wanted = targets_of([TOP, LEFT], [2])
    right = criterion(constant(0.0)[None], wanted, confident, Matching(torch.tensor([[[0, 1]]])))
    wrong = criterion(constant(0.0)[None], wanted, confident, Matching(torch.tensor([[[1, 0]]])))
    assert right['loss_mask_pos_bce'].item() < 1e-6
    assert wrong['loss_mask_pos_bce'].item() > 5


def test_logits_are_upsampled_with_their_corners_on_the_image_corners():
    ramp = torch.tensor([[0.0, 3.0], [0.0, 3.0]])[None, None]
    losses = MaskCriterion()(ramp, targets_of([LEFT], [1]), ramp.clone(), Matching(torch.tensor([[[0]]])))
    bce, dice = bce_dice([(x, t) for _ in range(4) for x, t in ((0.0, 1), (1.0, 1), (2.0, 0), (3.0, 0))])
    for name in ('global', 'pos'):
        assert losses[f'loss_mask_{name}_bce'].item() == pytest.approx(bce, rel=1e-5)
        assert losses[f'loss_mask_{name}_dice'].item() == pytest.approx(dice, rel=1e-5)


@pytest.mark.parametrize(('reduction', 'wanted'), [('half', (1, 1)), ('nearest', (0, 1))])
def test_output_resolution_compares_cells_that_are_half_covered_unless_it_says_otherwise(reduction, wanted):
    middle = [[0, 1, 1, 0]] * 4  # half of each cell of 2 x 2; the nearest pixels, of columns 0 and 2, say otherwise
    ramp = torch.tensor([[0.0, 3.0], [0.0, 3.0]])[None, None]
    settings = {} if reduction == 'half' else dict(reduction=reduction)
    criterion = MaskCriterion(resolution='output', **settings)
    losses = criterion(ramp, targets_of([middle], [1]), ramp.clone(), Matching(torch.tensor([[[0]]])))
    bce, dice = bce_dice(list(zip((0.0, 3.0), wanted, strict=True)) * 2)
    assert losses['loss_mask_pos_bce'].item() == pytest.approx(bce, rel=1e-5)
    assert losses['loss_mask_global_dice'].item() == pytest.approx(dice, rel=1e-5)


@pytest.mark.parametrize(('assigned', 'counts'), [([[-1, -1], [-1, -1]], [0, 0]), ([[0, 1], [3, 2]], [2, 2])])
def test_no_positives_or_no_negatives_cost_nothing_and_stay_in_the_graph(assigned, counts):
    instance = torch.randn(2, 2, 2, 2, requires_grad=True)
    global_logits = torch.randn(2, 1, 2, 2, requires_grad=True)
    matching = Matching(torch.tensor([assigned]))
    losses = MaskCriterion()(
        global_logits, targets_of([TOP, LEFT] * sum(c > 0 for c in counts), counts), instance, matching
    )
    empty = 'pos' if counts == [0, 0] else 'neg'
    assert losses[f'loss_mask_{empty}_bce'].item() == losses[f'loss_mask_{empty}_dice'].item() == 0
    for name, loss in losses.items():
        assert loss.isfinite(), name
        assert loss.requires_grad, name
    sum(losses.values()).backward()
    assert instance.grad.isfinite().all()
    assert instance.grad.ne(0).all()


def test_a_loss_with_weight_zero_is_zero_and_needs_no_ground_truth():
    instance = torch.randn(1, 2, 2, 2, requires_grad=True)
    global_logits = torch.randn(1, 1, 2, 2, requires_grad=True)
    targets = targets_of([TOP], [1])
    targets.masks = targets.union = None
    criterion = MaskCriterion(global_weight=0, positive_weight=0, negative_weight=0)
    losses = criterion(global_logits, targets, instance, Matching(torch.tensor([[[0, -1]]])))
    assert all(loss.item() == 0 for loss in losses.values())
    sum(losses.values()).backward()
    assert instance.grad.count_nonzero() == global_logits.grad.count_nonzero() == 0  # there, for processes that wait


@pytest.mark.parametrize(('missing', 'message'), [('masks', 'positive_weight=0'), ('union', 'global_weight=0')])
def test_missing_masks_are_an_error_that_says_what_to_do(missing, message):
    targets = targets_of([TOP], [1])
    setattr(targets, missing, None)
    with pytest.raises(ValueError, match=message):
        MaskCriterion()(constant(0.0)[None], targets, constant(0.0)[None], Matching(torch.tensor([[[0]]])))


def test_without_queries_only_the_global_losses_are_left():
    losses = MaskCriterion()(constant(1.0)[None], targets_of([TOP, LEFT], [2]))
    bce, dice = bce_dice([(1.0, 1)] * 12 + [(1.0, 0)] * 4)
    assert {name: loss.item() for name, loss in losses.items()} == pytest.approx(
        dict(loss_mask_global_bce=bce, loss_mask_global_dice=dice), rel=1e-5
    )


def test_an_unknown_resolution_is_refused():
    with pytest.raises(ValueError, match='resolution'):
        MaskCriterion(resolution='half')
