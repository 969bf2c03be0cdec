"""The losses of RaAM-RVG: presence per region, edge-weighted mask loss, one box."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from mmdet.models.losses import DiceLoss

from mmvg.models.losses import EdgeWeightedMaskLoss, GroundingTargets, RegionPresenceLoss, SingleBoxLoss, region_labels
from mmvg.models.losses.edge_weighted_mask_loss import edge_weights, weighted_dice


def targets(union=None, boxes=(), counts=(0,), size=(64, 64)):
    return GroundingTargets(
        boxes_cxcywh_norm=torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        counts=list(counts),
        masks=None,
        union=union,
        no_target=torch.tensor([count == 0 for count in counts]),
        input_shape=size,
    )


def square(top, left, bottom, right, size=64):
    mask = torch.zeros(1, 1, size, size, dtype=torch.uint8)
    mask[..., top:bottom, left:right] = 1
    return mask


def test_one_pixel_in_a_cell_is_enough():
    # cells are 112 x 112: 113 rows reach one pixel into the second row of cells
    labels = region_labels(targets(square(0, 0, 113, 5, size=448)), 4)
    assert labels[0].nonzero().flatten().tolist() == [0, 4]


def test_labels_are_of_the_union_and_empty_without_a_target():
    union = torch.cat([square(0, 0, 64, 64), square(0, 0, 0, 0), square(60, 60, 64, 64)])
    labels = region_labels(targets(union, counts=(3, 0, 1)), 4)
    assert labels.sum(1).tolist() == [16, 0, 1]
    assert labels[2, 15] == 1


def test_of_images_without_masks_the_boxes_say_where_the_targets_are():
    empty, boxes = square(0, 0, 0, 0), [[0.25, 0.25, 0.5, 0.5], [0.75, 0.75, 0.5, 0.5]]
    some = replace(targets(torch.cat([empty, square(0, 0, 32, 32)]), boxes, (1, 1)), mask_known=[False, True])
    assert region_labels(some, 2).tolist() == [[1, 0, 0, 0], [1, 0, 0, 0]]


def test_without_masks_boxes_say_where_the_targets_are():
    boxes = [[0.125, 0.125, 0.25, 0.25], [0.5, 0.875, 0.1, 0.05], [0.5, 0.5, 1, 1]]
    labels = region_labels(targets(boxes=boxes, counts=(2, 0, 1)), 4)
    # a box that ends exactly at 0.25 does not reach into the next cell; one over the middle touches two
    assert labels[0].nonzero().flatten().tolist() == [0, 13, 14]
    assert labels.sum(1).tolist() == [3, 0, 16]


def test_the_presence_loss_sums_over_regions_and_averages_over_samples():
    union = torch.cat([square(0, 0, 16, 16), square(0, 0, 0, 0)])
    loss = RegionPresenceLoss(loss_weight=0.1)(torch.zeros(2, 16), targets(union, counts=(1, 0)))['loss_region']
    assert loss.item() == pytest.approx(0.1 * 16 * np.log(2))  # 1.109
    logits = torch.full((2, 16), -20.0)
    logits[0, 0] = 20.0
    assert RegionPresenceLoss()(logits, targets(union, counts=(1, 0)))['loss_region'] < 1e-6


def test_the_presence_loss_weighs_images_with_and_without_a_target():
    union = torch.cat([square(0, 0, 16, 16), square(0, 0, 0, 0), square(0, 0, 0, 0)])
    logits = torch.zeros(3, 16)
    logits[1] = 2.0
    counts = (1, 0, 0)
    parts = [targets(union[i : i + 1], counts=counts[i : i + 1]) for i in range(3)]
    alone = [RegionPresenceLoss()(logits[i : i + 1], parts[i])['loss_region'] for i in range(3)]
    loss = RegionPresenceLoss(class_weights=(1.0, 3.0))(logits, targets(union, counts=counts))['loss_region']
    torch.testing.assert_close(loss, (alone[0] + 3 * alone[1] + 3 * alone[2]) / 7)


def test_the_edge_is_what_opencv_dilates_and_does_not_erode():
    rng = np.random.default_rng(0)
    mask = np.zeros((48, 64), np.uint8)
    for _ in range(6):
        x, y = int(rng.integers(64)), int(rng.integers(48))
        cv2.ellipse(mask, (x, y), (9, 5), float(rng.integers(180)), 0, 360, 1, -1)
    kernel = np.ones((5, 5), np.uint8)
    expected = cv2.dilate(mask, kernel) - cv2.erode(mask, kernel)  # OpenCV's border is neutral too
    weights = edge_weights(torch.from_numpy(mask).float()[None, None], 1.2)[0, 0]
    np.testing.assert_allclose(weights.numpy(), np.where(expected, 1.2, 1.0), rtol=1e-6)


def test_the_edge_is_a_band_of_four_pixels():
    row = edge_weights(square(0, 20, 64, 64).float(), 3.0)[0, 0, 30]
    assert (row == 3).nonzero().flatten().tolist() == [18, 19, 20, 21]


def test_without_weights_the_dice_loss_is_the_usual_one():
    torch.manual_seed(0)
    logits, mask = torch.randn(3, 1, 8, 8), (torch.rand(3, 1, 8, 8) > 0.5).float()
    usual = DiceLoss(naive_dice=True, eps=1.0, reduction='none')(logits, mask)
    torch.testing.assert_close(weighted_dice(logits.sigmoid(), mask, edge_weights(mask, 1.0)), usual)


def test_weights_count_inside_the_sums_of_the_dice_loss():
    p, y, w = torch.tensor([[0.5, 1.0, 0.0]]), torch.tensor([[1.0, 1.0, 0.0]]), torch.tensor([[3.0, 1.0, 5.0]])
    # 1 - (2 * (3 * 0.5 + 1) + 1) / (3 * 0.5 + 1 + 3 + 1 + 1)
    assert weighted_dice(p, y, w).item() == pytest.approx(1 - 6 / 7.5)


def test_the_focal_loss_is_not_weighted():
    mask = square(16, 16, 40, 40)
    logits = torch.linspace(-3, 3, 64 * 64).reshape(1, 1, 64, 64)
    plain, heavy = (EdgeWeightedMaskLoss(edge_weight=beta)(logits, targets(mask, counts=(1,))) for beta in (1.0, 4.0))
    assert plain['loss_mask_focal'] == heavy['loss_mask_focal']
    assert plain['loss_mask_dice'] != heavy['loss_mask_dice']
    p = logits.sigmoid()
    y = mask.float()
    pt, alpha = torch.where(y > 0, p, 1 - p), torch.where(y > 0, 0.25, 0.75)
    expected = (alpha * (1 - pt) ** 2 * -pt.log()).mean()
    torch.testing.assert_close(plain['loss_mask_focal'], expected)


def test_an_empty_mask_pushes_the_prediction_down():
    logits = torch.zeros(1, 1, 64, 64, requires_grad=True)
    losses = EdgeWeightedMaskLoss()(logits, targets(square(0, 0, 0, 0)))
    sum(losses.values()).backward()
    assert losses['loss_mask_dice'].item() == pytest.approx(1 - 1 / (0.5 * 64 * 64 + 1), rel=1e-5)
    assert (logits.grad > 0).all()


def test_missing_masks_are_refused():
    with pytest.raises(ValueError, match='needs gt_sem_seg'):
        EdgeWeightedMaskLoss()(torch.zeros(1, 1, 64, 64), targets())


def test_the_box_loss_by_hand():
    # the errors 0.02 and 0.2 are on either side of beta: 0.5 * 0.02^2 / 0.1 and 0.2 - 0.05
    predicted = torch.tensor([[0.52, 0.5, 0.2, 0.4], [0.9, 0.9, 0.1, 0.1]])
    losses = SingleBoxLoss(loss_weight=1.0)(predicted, targets(boxes=[[0.5, 0.5, 0.2, 0.2]], counts=(1, 0)))
    assert losses['loss_bbox'].item() == pytest.approx(0.002 + 0.15, rel=1e-4)
    # 0.18 x 0.2 in common of 0.2 x 0.4 + 0.2 x 0.2 - 0.036; enclosed by 0.22 x 0.4
    union = 0.08 + 0.04 - 0.036
    assert losses['loss_giou'].item() == pytest.approx(1 - (0.036 / union - (0.088 - union) / 0.088), rel=1e-4)


def test_several_targets_are_compared_as_the_box_around_them():
    boxes = [[0.2, 0.2, 0.2, 0.2], [0.6, 0.5, 0.2, 0.6]]  # 0.1 to 0.3, and 0.5 to 0.7 by 0.2 to 0.8
    around = torch.tensor([[0.4, 0.45, 0.6, 0.7]])
    losses = SingleBoxLoss()(around, targets(boxes=boxes, counts=(2,)))
    assert max(loss.item() for loss in losses.values()) < 1e-6


def test_a_batch_without_targets_has_a_box_loss_of_zero_that_still_reaches_the_boxes():
    boxes = torch.rand(2, 4, requires_grad=True)
    losses = SingleBoxLoss()(boxes, targets(counts=(0, 0)))
    sum(losses.values()).backward()
    assert sum(losses.values()) == 0
    assert not boxes.grad.any()
