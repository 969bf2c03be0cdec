from itertools import permutations

import pytest
import torch
from mmdet.models.task_modules.assigners import BBoxL1Cost, ClassificationCost, HungarianAssigner, IoUCost
from mmengine.structures import InstanceData

from mmvg.models.losses import GroundingTargets, PointL1Cost, SetMatcher
from mmvg.structures import cxcywh_to_xyxy


def matcher(cls=1.0, bbox=5.0, giou=2.0, point=2.0):
    costs = [
        dict(type=ClassificationCost, weight=cls),
        dict(type=BBoxL1Cost, box_format='xywh', weight=bbox),
        dict(type=IoUCost, iou_mode='giou', weight=giou),
        dict(type=PointL1Cost, weight=point),
    ]
    return SetMatcher(dict(type=HungarianAssigner, match_costs=costs))


def targets_of(boxes, counts):
    return GroundingTargets(
        boxes_cxcywh_norm=torch.as_tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        counts=counts,
        masks=None,
        union=None,
        no_target=torch.tensor([n == 0 for n in counts]),
        input_shape=(32, 32),
    )


def giou(a, b):
    """GIoU of two cxcywh boxes, by its definition."""
    (ax1, ay1, ax2, ay2), (bx1, by1, bx2, by2) = ((c - w / 2, d - h / 2, c + w / 2, d + h / 2) for c, d, w, h in (a, b))
    inter = max(min(ax2, bx2) - max(ax1, bx1), 0) * max(min(ay2, by2) - max(ay1, by1), 0)
    union = (ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - inter
    hull = (max(ax2, bx2) - min(ax1, bx1)) * (max(ay2, by2) - min(ay1, by1))
    return inter / union - (hull - union) / hull


def cost_by_hand(logits, box, point, target):
    """InstanceVG's matching cost: -softmax, 5 L1, -2 GIoU, 2 L1 between the prior point and the target's centre."""
    probability = (logits[0].exp() / logits.exp().sum()).item()
    box, point, target = box.tolist(), point.tolist(), target.tolist()
    l1 = sum(abs(a - b) for a, b in zip(box, target, strict=True))
    centre = abs(point[0] - target[0]) + abs(point[1] - target[1])
    return -probability + 5 * l1 - 2 * giou(box, target) + 2 * centre


def random_boxes(*shape):
    return torch.cat([torch.rand(*shape, 2) * 0.6 + 0.2, torch.rand(*shape, 2) * 0.3 + 0.05], -1)


def test_the_four_costs_of_mmdet_and_ours_add_up_to_the_cost_by_hand():
    torch.manual_seed(0)
    logits, boxes, points, wanted = torch.randn(3, 2), random_boxes(3), torch.rand(3, 2), random_boxes(2)
    pred = InstanceData(scores=logits, bboxes=cxcywh_to_xyxy(boxes), priors=points)
    gt = InstanceData(bboxes=cxcywh_to_xyxy(wanted), labels=torch.zeros(2, dtype=torch.long))
    total = sum(cost(pred, gt, img_meta=dict(img_shape=(1, 1))) for cost in matcher().assigner.match_costs)
    by_hand = [[cost_by_hand(logits[q], boxes[q], points[q], wanted[t]) for t in range(2)] for q in range(3)]
    torch.testing.assert_close(total, torch.tensor(by_hand), atol=1e-5, rtol=0)


def test_point_cost_is_measured_in_fractions_of_a_wide_image():
    pred = InstanceData(priors=torch.tensor([[50.0, 20.0]]))
    gt = InstanceData(bboxes=torch.tensor([[0.0, 0.0, 40.0, 20.0]]))  # centre (20, 10)
    cost = PointL1Cost(weight=2.0)(pred, gt, img_meta=dict(img_shape=(100, 200)))
    assert cost.item() == pytest.approx(2 * (30 / 200 + 10 / 100))


def test_matching_is_the_cheapest_assignment_of_all_for_every_image_and_layer():
    torch.manual_seed(1)
    counts = [2, 0, 3, 1]
    logits, boxes = torch.randn(2, 4, 4, 2), random_boxes(2, 4, 4)
    points, wanted = torch.rand(4, 4, 2), random_boxes(sum(counts))
    assigned = matcher()(logits, boxes, points, targets_of(wanted, counts)).assigned
    first = 0
    for image, count in enumerate(counts):
        own = range(first, first + count)
        for layer in range(2):

            def total(queries, image=image, layer=layer, own=own):
                return sum(
                    cost_by_hand(logits[layer, image, q], boxes[layer, image, q], points[image, q], wanted[t])
                    for q, t in zip(queries, own, strict=True)
                )

            best = min(permutations(range(4), count), key=total)
            expected = [-1] * 4
            for query, target in zip(best, own, strict=True):
                expected[query] = target
            assert assigned[layer, image].tolist() == expected
        first += count


def test_the_pairs_are_those_of_mmdets_assigner_called_image_by_image():
    torch.manual_seed(2)
    counts = [3, 1, 0, 6]
    logits, boxes = torch.randn(3, 4, 5, 2), random_boxes(3, 4, 5)
    points, wanted = torch.rand(4, 5, 2), random_boxes(sum(counts))
    module = matcher()
    assigned = module(logits, boxes, points, targets_of(wanted, counts)).assigned
    first = 0
    for image, count in enumerate(counts):
        gt = InstanceData(bboxes=cxcywh_to_xyxy(wanted[first : first + count]), labels=torch.zeros(count).long())
        for layer in range(3):
            pred = InstanceData(
                scores=logits[layer, image], bboxes=cxcywh_to_xyxy(boxes[layer, image]), priors=points[image]
            )
            found = module.assigner.assign(pred, gt, img_meta=dict(img_shape=(1, 1))).gt_inds - 1
            assert assigned[layer, image].equal(torch.where(found >= 0, found + first, -1))
        first += count


def test_the_prior_point_and_not_the_box_decides_between_equal_boxes():
    boxes = torch.tensor([[0.5, 0.5, 0.2, 0.2]] * 2).view(1, 1, 2, 4)
    wanted = [[0.3, 0.3, 0.2, 0.2], [0.7, 0.7, 0.2, 0.2]]
    points = torch.tensor([[[0.7, 0.7], [0.3, 0.3]]])
    assigned = matcher()(torch.zeros(1, 1, 2, 2), boxes, points, targets_of(wanted, [2])).assigned
    assert assigned.tolist() == [[[1, 0]]]


def test_with_more_targets_than_queries_the_cheapest_targets_are_matched():
    boxes = torch.tensor([[[[0.2, 0.2, 0.1, 0.1], [0.8, 0.8, 0.1, 0.1]]]])
    wanted = [[0.5, 0.5, 0.1, 0.1], [0.8, 0.8, 0.1, 0.1], [0.2, 0.2, 0.1, 0.1]]
    matching = matcher()(torch.zeros(1, 1, 2, 2), boxes, boxes[0, ..., :2], targets_of(wanted, [3]))
    assert matching.assigned.tolist() == [[[2, 1]]]
    assert matching.positives().all()
    assert matching.targets().tolist() == [2, 1]


def test_a_batch_without_targets_matches_nothing():
    matching = matcher()(torch.zeros(3, 2, 4, 2), random_boxes(3, 2, 4), torch.rand(2, 4, 2), targets_of([], [0, 0]))
    assert (matching.assigned == -1).all()
    assert matching.targets().numel() == 0


@pytest.mark.parametrize('bad', [float('nan'), float('inf')])
def test_predictions_that_are_not_finite_leave_the_matching_of_the_others_alone(bad):
    boxes = torch.tensor([[[[0.2, 0.2, 0.1, 0.1], [bad] * 4, [0.8, 0.8, 0.1, 0.1]]]])
    logits = torch.zeros(1, 1, 3, 2)
    logits[0, 0, 1] = bad
    points = torch.tensor([[[0.2, 0.2], [0.1, 0.9], [0.8, 0.8]]])
    wanted = [[0.8, 0.8, 0.1, 0.1], [0.2, 0.2, 0.1, 0.1]]
    assert matcher()(logits, boxes, points, targets_of(wanted, [2])).assigned.tolist() == [[[1, -1, 0]]]


def test_without_a_point_cost_no_points_are_needed():
    costs = [dict(type=BBoxL1Cost, box_format='xywh', weight=5.0)]
    boxes = torch.tensor([[[[0.2, 0.2, 0.1, 0.1], [0.8, 0.8, 0.1, 0.1]]]])
    plain = SetMatcher(dict(type=HungarianAssigner, match_costs=costs))
    assert plain(torch.zeros(1, 1, 2, 2), boxes, None, targets_of([[0.8, 0.8, 0.1, 0.1]], [1])).assigned.tolist() == [
        [[-1, 0]]
    ]
