import math

import pytest
import torch
import torch.nn.functional as F
from mmdet.models.losses import GIoULoss

from mmvg.models.losses import DetectionCriterion, GroundingTargets, Matching
from mmvg.structures import cxcywh_to_xyxy


def targets_of(boxes, counts):
    return GroundingTargets(
        boxes_cxcywh_norm=torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        counts=counts,
        masks=None,
        union=None,
        no_target=torch.tensor([n == 0 for n in counts]),
        input_shape=(32, 32),
    )


def one_layer(number=1):
    """Two queries, the first one matched: box [.4,.5,.2,.2] for target [.5,.5,.2,.2]; logits (1, 0) and (0, 0)."""
    logits = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]]).repeat(number, 1, 1, 1).requires_grad_()
    boxes = torch.tensor([[[0.4, 0.5, 0.2, 0.2], [0.1, 0.1, 0.1, 0.1]]]).repeat(number, 1, 1, 1).requires_grad_()
    return logits, boxes, Matching(torch.tensor([[[0, -1]]]).repeat(number, 1, 1))


# cross-entropy of the matched query log(1 + e^-1), weight 1; of the other log 2, weight 0.1
CLS = (math.log1p(math.exp(-1)) + 0.1 * math.log(2)) / 1.1
L1 = 0.1
# intersection 0.1 x 0.2 = 0.02, union 0.06, hull 0.3 x 0.2 = 0.06: GIoU = 1/3
GIOU_LOSS = 2 / 3


def test_losses_of_one_layer_are_the_formulas_times_their_weights():
    logits, boxes, matching = one_layer()
    losses = DetectionCriterion()(logits, boxes, matching, targets_of([[0.5, 0.5, 0.2, 0.2]], [1]))
    assert losses['loss_cls'].item() == pytest.approx(0.1 * CLS, rel=1e-5)
    assert losses['loss_bbox'].item() == pytest.approx(0.1 * 5 * L1, rel=1e-5)
    assert losses['loss_giou'].item() == pytest.approx(0.1 * 2 * GIOU_LOSS, rel=1e-5)
    assert len(losses) == 3


@pytest.mark.parametrize(('weighted', 'bbox', 'giou'), [(False, 1, 1), (True, 5, 2)])
def test_earlier_layers_lose_their_weights_as_in_the_authors_code_unless_asked(weighted, bbox, giou):
    logits, boxes, matching = one_layer(3)
    criterion = DetectionCriterion(aux_loss_weighted=weighted)
    losses = criterion(logits, boxes, matching, targets_of([[0.5, 0.5, 0.2, 0.2]], [1]))
    assert set(losses) == {f'{p}loss_{n}' for p in ('', 'd0.', 'd1.') for n in ('cls', 'bbox', 'giou')}
    for prefix in ('d0.', 'd1.'):
        assert losses[f'{prefix}loss_cls'].item() == pytest.approx(0.1 * CLS, rel=1e-5)
        assert losses[f'{prefix}loss_bbox'].item() == pytest.approx(0.1 * bbox * L1, rel=1e-5)
        assert losses[f'{prefix}loss_giou'].item() == pytest.approx(0.1 * giou * GIOU_LOSS, rel=1e-5)
    assert losses['loss_bbox'].item() == pytest.approx(0.1 * 5 * L1, rel=1e-5)


def test_targets_without_a_query_still_count_in_the_divisor():
    logits, boxes, matching = one_layer()
    wanted = targets_of([[0.5, 0.5, 0.2, 0.2], [0.1, 0.9, 0.1, 0.1], [0.9, 0.9, 0.1, 0.1]], [3])
    losses = DetectionCriterion()(logits, boxes, matching, wanted)
    assert losses['loss_bbox'].item() == pytest.approx(0.1 * 5 * L1 / 3, rel=1e-5)
    assert losses['loss_giou'].item() == pytest.approx(0.1 * 2 * GIOU_LOSS / 3, rel=1e-5)


def test_the_divisor_is_the_mean_over_ranks(monkeypatch):
    monkeypatch.setattr('mmvg.models.losses.detection_criterion.reduce_mean', lambda number: number * 4)
    logits, boxes, matching = one_layer()
    losses = DetectionCriterion()(logits, boxes, matching, targets_of([[0.5, 0.5, 0.2, 0.2]], [1]))
    assert losses['loss_bbox'].item() == pytest.approx(0.1 * 5 * L1 / 4, rel=1e-5)


def test_without_targets_boxes_cost_nothing_but_stay_in_the_graph():
    logits, boxes, _ = one_layer(2)
    losses = DetectionCriterion()(logits, boxes, Matching(torch.full((2, 1, 2), -1)), targets_of([], [0]))
    assert losses['loss_bbox'].item() == losses['loss_giou'].item() == 0
    # all queries have the same weight then: a plain mean
    assert losses['loss_cls'].item() == pytest.approx(0.1 * (math.log1p(math.e) + math.log(2)) / 2, rel=1e-5)
    sum(losses.values()).backward()
    assert boxes.grad.eq(0).all()
    assert logits.grad.isfinite().all()
    assert logits.grad.ne(0).any()


def test_layers_are_judged_by_their_own_matching():
    logits, boxes, _ = one_layer(2)
    matching = Matching(torch.tensor([[[-1, 0]], [[0, -1]]]))
    losses = DetectionCriterion()(logits, boxes, matching, targets_of([[0.5, 0.5, 0.2, 0.2]], [1]))
    assert losses['d0.loss_bbox'].item() == pytest.approx(0.1 * (0.4 + 0.4 + 0.1 + 0.1), rel=1e-5)
    assert losses['loss_bbox'].item() == pytest.approx(0.1 * 5 * L1, rel=1e-5)


def layer_by_layer(logits, boxes, matching, targets):
    """Losses and gradients of each layer from its matched pairs alone, with mmdet's GIoU."""
    for of_layer, boxes_of_layer, assigned in zip(logits, boxes, matching.assigned, strict=True):
        positive = assigned >= 0
        weights = torch.tensor([1.0, 0.1])
        found, wanted = boxes_of_layer[positive], targets.boxes_cxcywh_norm[assigned[positive]]
        yield (
            F.cross_entropy(of_layer.flatten(0, 1), (~positive).long().flatten(), weights),
            (found - wanted).abs().sum() / sum(targets.counts),
            GIoULoss(eps=1e-6, reduction='sum')(cxcywh_to_xyxy(found), cxcywh_to_xyxy(wanted)) / sum(targets.counts),
        )


def test_all_layers_at_once_are_the_losses_of_each_layer_with_their_gradients():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 4, 5, 2, generator=generator).requires_grad_()
    boxes = torch.rand(3, 4, 5, 4, generator=generator).requires_grad_()
    targets = targets_of(torch.rand(7, 4, generator=generator).tolist(), [2, 0, 4, 1])
    assigned = torch.full((3, 4, 5), -1)
    assigned[0, 0, :2], assigned[1, 2, 1:5], assigned[2, 3, 4] = torch.tensor([1, 0]), torch.tensor([5, 2, 4, 3]), 6
    matching = Matching(assigned)
    losses = DetectionCriterion(loss_weight=1, bbox_weight=1, giou_weight=1)(logits, boxes, matching, targets)
    expected = list(layer_by_layer(logits, boxes, matching, targets))
    for prefix, of_layer in zip(('d0.', 'd1.', ''), expected, strict=True):
        for name, value in zip(('cls', 'bbox', 'giou'), of_layer, strict=True):
            torch.testing.assert_close(losses[f'{prefix}loss_{name}'], value)
    ours = torch.autograd.grad(sum(losses.values()), [logits, boxes])
    theirs = torch.autograd.grad(sum(map(sum, expected)), [logits, boxes])
    torch.testing.assert_close(ours, theirs)
