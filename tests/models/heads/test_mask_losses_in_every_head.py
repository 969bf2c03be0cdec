"""Any mask loss trains any head that answers with a mask."""

import pytest
import torch

from mmvg.models.features import GroundingFeatures
from mmvg.models.heads import (
    DynamicMaskHead,
    MaskedQueryHead,
    PixelMaskHead,
    RegionHead,
    VisualProjector,
)
from mmvg.models.losses import (
    AdaptiveDiceMaskLoss,
    BinaryMaskLoss,
    EdgeWeightedMaskLoss,
    GroundingTargets,
    MaskCriterion,
    RegionPresenceLoss,
)

ANSWER = dict(type='MaskPostprocess')
LOSSES = [BinaryMaskLoss, EdgeWeightedMaskLoss, MaskCriterion, AdaptiveDiceMaskLoss]


def heads(mask_loss, make_instance_head):
    """Each head by name with features for it, of two inputs of 32 x 32."""
    generator = torch.Generator().manual_seed(1)

    def noise(*shape):
        return torch.randn(2, *shape, generator=generator)

    maps = [noise(8, side, side) for side in (4, 2, 1)]
    return {
        'LAVT': (PixelMaskHead(8, mask_loss, ANSWER), dict(images=[], pixels=noise(8, 8, 8))),
        'MagNet': (
            MaskedQueryHead(8, mask_loss, ANSWER, num_layers=3, num_heads=2, ffn_channels=8),
            dict(images=maps, pixels=noise(8, 8, 8)),
        ),
        'CRIS': (
            DynamicMaskHead(
                dict(type=VisualProjector, in_channels=8, out_channels=4), mask_loss, ANSWER, sentence_channels=5
            ),
            dict(images=[noise(8, 4, 4)], sentence=noise(5)),
        ),
        'RaAM': (
            RegionHead(8, 4, dict(type=RegionPresenceLoss), mask_loss, ANSWER, hidden_channels=8, num_regions=4),
            dict(images=[noise(8, 8, 8)]),
        ),
        'InstanceVG': (
            make_instance_head(mask_loss=mask_loss, minimap_loss=None),
            dict(
                images=[],
                query_states=torch.randn(2, 2, 3, 8, generator=generator),
                references=torch.rand(2, 3, 2, generator=generator),
                points=torch.rand(2, 3, 2, generator=generator),
                pixels=noise(8, 8, 8),
            ),
        ),
    }


@pytest.mark.parametrize('name', ['LAVT', 'MagNet', 'CRIS', 'RaAM', 'InstanceVG'])
@pytest.mark.parametrize('loss', LOSSES, ids=lambda loss: loss.__name__)
def test_any_mask_loss_trains_any_mask_head(loss, name, make_head, make_sample):
    torch.manual_seed(0)
    head, given = heads(dict(type=loss), make_head)[name]
    features, samples = GroundingFeatures(**given), [make_sample(1), make_sample(2)]
    step = torch.optim.Adam(head.parameters(), lr=0.02)
    names, totals = set(head.mask_loss(torch.zeros(2, 1, 8, 8), targets_of(samples))), []
    for _ in range(10):
        losses = head.loss(features, samples)
        assert names <= losses.keys()
        totals.append(sum(losses[key] for key in names))
        step.zero_grad()
        sum(value for key, value in losses.items() if 'loss' in key).backward()
        step.step()
    assert totals[-1] < 0.98 * totals[0]


def targets_of(samples):
    return GroundingTargets.from_samples(samples, torch.device('cpu'))
