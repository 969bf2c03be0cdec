import math

import pytest
import torch
import torch.nn.functional as F

from mmvg.models.losses import GroundingTargets, RegionMinimapLoss, reduce_masks


def targets_of(union):
    union = torch.tensor(union, dtype=torch.uint8)[:, None]
    batch, _, height, width = union.shape
    return GroundingTargets(
        boxes_cxcywh_norm=torch.zeros(0, 4),
        counts=[0] * batch,
        masks=None,
        union=union,
        no_target=~union.flatten(1).any(1),
        input_shape=(height, width),
    )


#: One image with its left half covered and one without a target, 4 x 4 pixels each.
HALF, NONE = [[1, 1, 0, 0]] * 4, [[0] * 4] * 4


def test_the_mean_is_weighted_by_the_classes_of_the_cells():
    logits = torch.tensor([[2.0, -1.0, 0.5, 0.0]])  # row-major; the cells of the left column are covered
    loss = RegionMinimapLoss(loss_weight=0.5)(logits, targets_of([HALF]))['loss_minimap']
    inside = [math.log1p(math.exp(-x)) for x in (2.0, 0.5)]
    outside = [math.log1p(math.exp(x)) for x in (-1.0, 0.0)]
    expected = (1.1 * sum(inside) + 0.9 * sum(outside)) / (2 * 1.1 + 2 * 0.9)
    assert loss.item() == pytest.approx(0.5 * expected, rel=1e-6)


def test_it_is_the_cross_entropy_of_two_classes():
    two = torch.randn(2, 4, 2, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([[1, 0, 1, 0], [0, 0, 0, 0]])
    expected = F.cross_entropy(two.transpose(1, 2), labels, torch.tensor([0.9, 1.1]))
    loss = RegionMinimapLoss(loss_weight=1.0)(two[..., 1] - two[..., 0], targets_of([HALF, NONE]))
    torch.testing.assert_close(loss['loss_minimap'], expected)


def test_a_cell_is_covered_if_the_pixels_around_its_middle_are():
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., 1:3, 1:3] = 1  # just the middle of the first of four cells
    mask[..., :4, 4:] = 1
    mask[..., 1, 5] = 0  # one pixel at the middle of the second is missing
    mask[..., 4:, 4:] = 1
    assert reduce_masks(mask, (2, 2), 'center').flatten().tolist() == [1, 0, 0, 1]
    assert reduce_masks(torch.ones(1, 1, 96, 96), (10, 10), 'center').all()


def test_a_lone_target_and_none_have_gradients_and_a_batch_without_masks_is_refused():
    logits = torch.zeros(2, 4, requires_grad=True)
    RegionMinimapLoss()(logits, targets_of([HALF, NONE]))['loss_minimap'].backward()
    assert torch.equal(logits.grad.sign(), torch.tensor([[-1.0, 1, -1, 1], [1, 1, 1, 1]]))
    targets = targets_of([HALF])
    targets.union = None
    with pytest.raises(ValueError, match='RegionMinimapLoss needs gt_sem_seg'):
        RegionMinimapLoss()(logits[:1], targets)
    with pytest.raises(ValueError, match=r'RegionMinimapLoss\.target'):
        RegionMinimapLoss(target='middle')
    with pytest.raises(ValueError, match='3 is no square number'):
        RegionMinimapLoss()(torch.zeros(1, 3), targets_of([HALF]))
