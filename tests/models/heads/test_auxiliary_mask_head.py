import math

import pytest
import torch

from mmvg.models.features import GroundingFeatures
from mmvg.models.heads import AuxiliaryMaskHead


def test_cells_are_compared_with_the_share_that_the_targets_cover(make_sample):
    sample = make_sample(0, height=4, width=4)
    union = torch.zeros(1, 4, 4, dtype=torch.uint8)
    union[0, :2, 0] = 1  # half of the upper left cell of 2 x 2
    sample.gt_sem_seg.sem_seg = union
    head = AuxiliaryMaskHead(in_channels=1, level=1, loss_weight=3.0)
    torch.nn.init.ones_(head.predict.weight)
    torch.nn.init.zeros_(head.predict.bias)
    logits = torch.tensor([[0.5, -1.0], [2.0, 0.0]])
    image = logits[None, None].clone().requires_grad_()
    losses = head.loss(GroundingFeatures(images=[torch.full((1, 1, 9, 9), math.nan), image]), [sample])

    shares = [0.5, 0.0, 0.0, 0.0]
    probabilities = [1 / (1 + math.exp(-x)) for x in logits.flatten().tolist()]
    pairs = list(zip(probabilities, shares, strict=True))
    bce = -sum(t * math.log(p) + (1 - t) * math.log(1 - p) for p, t in pairs) / 4
    dice = 1 - (2 * sum(p * t for p, t in pairs) + 1) / (sum(probabilities) + sum(shares) + 1)
    assert losses['loss_bce'].item() == pytest.approx(3 * bce, rel=1e-5)
    assert losses['loss_dice'].item() == pytest.approx(3 * dice, rel=1e-5)
    sum(losses.values()).backward()
    assert image.grad.abs().min() > 0


def test_a_sample_without_a_union_mask_is_an_error(make_sample):
    sample = make_sample(1)
    del sample.gt_sem_seg
    with pytest.raises(ValueError, match='gt_sem_seg'):
        AuxiliaryMaskHead(in_channels=2).loss(GroundingFeatures(images=[torch.zeros(1, 2, 4, 4)]), [sample])
