import pytest
import torch

from mmvg.models.features import GroundingFeatures
from mmvg.models.heads import MinimapMaskHead


@pytest.fixture
def head(awake):
    torch.manual_seed(0)
    sizes = dict(in_channels=8, text_channels=6, num_regions=4, num_layers=3, num_heads=2, ffn_channels=16)
    return awake(
        MinimapMaskHead(
            in_channels=8,
            decoder=dict(type='RegionDecoder', **sizes),
            mask_loss=dict(type='BinaryMaskLoss', dice_weight=0.0, class_weights=(0.9, 1.1), align_corners=False),
            minimap_loss=dict(type='RegionMinimapLoss'),
            no_target_loss=dict(type='NoTargetLoss', loss_weight=0.1),
            postprocess=dict(type='MaskPostprocess', score_thr=0.5),
        )
    )


def features(seed=1):
    generator = torch.Generator().manual_seed(seed)
    return GroundingFeatures(
        images=[torch.randn(3, 8, s, s, generator=generator) for s in (4, 2, 1)],
        pixels=torch.randn(3, 8, 8, 8, generator=generator),
        text=torch.randn(3, 5, 6, generator=generator),
        text_mask=torch.arange(5) < torch.tensor([[5], [3], [2]]),
    )


@torch.no_grad()
def test_the_mask_is_the_sum_of_the_masks_of_regions_weighted_by_the_minimap(head):
    found = features()
    regions, filters = head.decoder(found)
    outputs = head(found)
    expected = torch.zeros(3, 2, 8, 8)
    for i in range(3):
        for region, weights in zip(filters[i], head.minimap(regions)[i], strict=True):
            mask = (region[:, None, None] * found.pixels[i]).sum(0)
            expected[i] += weights[:, None, None] * mask
    torch.testing.assert_close(outputs['mask_logits'][:, 0], expected[:, 1] - expected[:, 0], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(outputs['minimap_logits'], head.minimap(regions) @ torch.tensor([-1.0, 1.0]))
    torch.testing.assert_close(outputs['no_target_logits'], head.existence(regions.flatten(0, 1)).view(3, 4, 2).mean(1))


def test_none_one_and_several_targets_have_finite_losses_and_every_parameter_learns(head, make_sample, unlearned):
    losses = head.loss(features(), [make_sample(count) for count in (0, 1, 3)])
    assert set(losses) == {'loss_bce', 'loss_minimap', 'loss_no_target'}
    sum(losses.values()).backward()
    assert all(loss.isfinite() for loss in losses.values())
    assert unlearned(head) == []


@torch.no_grad()
def test_the_verdict_empties_the_mask_and_the_minimap_is_shown(head, make_sample):
    samples = [make_sample(count) for count in (0, 1, 3)]
    head.minimap.bias[1] += 50  # some mask everywhere
    answered = head.predict(features(), samples)
    outputs = head(features())
    scores = outputs['no_target_logits'].softmax(-1)[:, 0]
    assert [sample.target_score for sample in answered] == pytest.approx(scores.tolist())
    for sign, nothing in ((-20.0, False), (20.0, True)):
        head.existence.layers[1].bias[1] = sign
        for i, sample in enumerate(head.predict(features(), [make_sample(count) for count in (0, 1, 3)])):
            assert sample.pred_no_target is nothing
            assert sample.pred_sem_seg.sem_seg.shape == (1, 48, 64)
            assert bool(sample.pred_sem_seg.sem_seg.any()) != nothing
            torch.testing.assert_close(sample.pred_attention.flatten(), outputs['minimap_logits'][i].sigmoid())
