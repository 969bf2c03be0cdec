import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmvg.models.features import GroundingFeatures
from mmvg.models.heads import DynamicMaskHead, VisualProjector
from mmvg.models.losses import AdaptiveDiceMaskLoss
from mmvg.models.postprocess import MaskPostprocess
from mmvg.registry import MODELS

SWITCHES = dict(deform=True, residual=True, se=True, se_ratio=4)


def make_head(postprocess=None, **projector):
    torch.manual_seed(0)
    return MODELS.build(
        dict(
            type=DynamicMaskHead,
            projector=dict(type=VisualProjector, in_channels=8, out_channels=4, **projector),
            mask_loss=dict(type=AdaptiveDiceMaskLoss),
            sentence_channels=5,
            postprocess=dict(type=MaskPostprocess) | (postprocess or {}),
        )
    )


def features(batch, size=(8, 8)):
    generator = torch.Generator().manual_seed(1)
    return GroundingFeatures(
        images=[torch.randn(batch, 8, *size, generator=generator)], sentence=torch.randn(batch, 5, generator=generator)
    )


def test_the_projector_with_all_switches_off_is_that_of_cris():
    def cbr(a, b):
        return [nn.Conv2d(a, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU()]

    cris = nn.Sequential(
        nn.Upsample(scale_factor=2, mode='bilinear'),
        *cbr(8, 8),
        nn.Upsample(scale_factor=2, mode='bilinear'),
        *cbr(8, 4),
        nn.Conv2d(4, 4, 1),
    )
    ours = VisualProjector(in_channels=8, out_channels=4)
    cris.load_state_dict(dict(zip(cris.state_dict(), ours.state_dict().values(), strict=True)))
    x = torch.randn(3, 8, 5, 6)
    assert torch.allclose(ours(x), cris(x), atol=1e-6)
    assert ours(x).shape == (3, 4, 20, 24)


@pytest.mark.parametrize(('switches', 'expected'), [({}, 3_606_272), (SWITCHES | dict(se_ratio=16), 4_208_724)])
def test_the_full_projector_has_the_size_counted_by_hand(switches, expected):
    with torch.device('meta'):
        projector = VisualProjector(**switches)
    assert sum(p.numel() for p in projector.parameters()) == expected  # 3.61 M and 4.21 M


@torch.no_grad()
def test_a_map_of_26_cells_becomes_one_of_104():
    projector = VisualProjector(8, 256, **SWITCHES).eval()
    assert projector(torch.zeros(1, 8, 26, 26)).shape == (1, 256, 104, 104)


@torch.no_grad()
@pytest.mark.parametrize('switches', [{}, SWITCHES])
def test_logits_are_the_projected_map_convolved_with_what_the_sentence_says(switches):
    head, given = make_head(**switches).eval(), features(3)
    out = head(given)['mask_logits']
    x = head.projector(given.images[0])
    numbers = given.sentence @ head.kernel.weight.T + head.kernel.bias
    assert numbers.shape == (3, 4 * 9 + 1)
    kernels = numbers[:, :-1].view(3, 1, 4, 3, 3)
    one_by_one = torch.cat([F.conv2d(x[i : i + 1], kernels[i], numbers[i, -1:], padding=1) for i in range(3)])
    assert torch.allclose(out, one_by_one, atol=1e-5)
    assert out.shape == (3, 1, 32, 32)


def test_targets_are_cells_covered_by_half_and_iou_is_logged_beside_the_losses(make_sample, unlearned):
    head = make_head()
    samples = [make_sample(count) for count in (0, 1, 2)]
    samples[1].gt_sem_seg.sem_seg[0, 20:22, 20:22] = torch.tensor([[0, 1], [1, 0]])  # half of a cell
    samples[2].gt_sem_seg.sem_seg[0, 20:22, 20:22] = torch.tensor([[1, 0], [0, 0]])  # a quarter
    given = features(3, size=(4, 4))  # logits at 16 x 16, inputs at 32 x 32
    losses = head.loss(given, samples)
    assert sorted(losses) == ['iou', 'loss_bce', 'loss_dice', 'loss_focal']
    logits = head(given)['mask_logits']
    covered = [sample.gt_sem_seg.sem_seg[0].unfold(0, 2, 2).unfold(1, 2, 2).sum((2, 3)) for sample in samples]
    wanted = torch.stack(covered)[:, None] >= 2
    assert wanted.sum((1, 2, 3)).tolist() == [
        0,
        4 * 4 + 1,
        6 * 4,
    ]  # (2..10, 0..8) of the first, 0..12 rows of the second
    assert torch.allclose(losses['loss_bce'], F.binary_cross_entropy_with_logits(logits, wanted.float()))
    ious = []
    for found, truth in zip((logits.sigmoid() > 0.5).flatten(1), wanted.bool().flatten(1), strict=True):
        ious.append(float((found & truth).sum()) / max(1, int((found | truth).sum())))
    assert losses['iou'].item() == pytest.approx(100 * sum(ious) / 3)
    assert not losses['iou'].requires_grad
    sum(value for name, value in losses.items() if 'loss' in name).backward()
    assert unlearned(head) == []


@torch.no_grad()
def test_the_mask_goes_back_through_the_letterbox_and_the_threshold_decides(make_sample):
    """An image of 64 x 48 in a canvas of 32 x 32: scale 0.5, four empty rows above and below."""
    meta = dict(homography_matrix=[[0.5, 0, 0], [0, 0.5, 4], [0, 0, 1]])
    for mask_thr, expected in ((0.35, True), (0.45, False)):
        head = make_head(postprocess=dict(mask_thr=mask_thr, interpolation='bicubic')).eval()
        head.kernel.weight.zero_()
        head.kernel.bias.zero_()
        head.kernel.bias[-1] = -0.4  # a probability of 0.401 everywhere
        (sample,) = head.predict(features(1), [make_sample(1, **meta)])
        assert sample.pred_sem_seg.sem_seg.shape == (1, 48, 64)
        assert bool(sample.pred_sem_seg.sem_seg.all()) is bool(sample.pred_sem_seg.sem_seg.any()) is expected
        assert sample.pred_frame == 'original'


@torch.no_grad()
def test_a_mask_in_the_input_lands_where_it_belongs_in_the_original(make_sample):
    meta = dict(homography_matrix=[[0.5, 0, 0], [0, 0.5, 4], [0, 0, 1]])
    logits = torch.full((1, 1, 32, 32), -9.0)
    logits[..., 8:20, 4:16] = 9.0
    head = make_head(postprocess=dict(mask_thr=0.35, interpolation='bicubic'))
    (sample,) = head.postprocess(logits, [make_sample(1, **meta)])
    expected = torch.zeros(48, 64, dtype=torch.bool)
    expected[8:32, 8:32] = True  # rows 2 * (8 - 4) to 2 * (20 - 4), columns 2 * 4 to 2 * 16
    found = sample.pred_sem_seg.sem_seg[0]
    inner, outer = F.max_pool2d(1 - expected[None].float(), 3, 1, 1), F.max_pool2d(expected[None].float(), 3, 1, 1)
    assert found[inner[0] == 0].all()
    assert not found[outer[0] == 0].any()


def test_what_the_head_cannot_read_is_named(make_sample):
    head, given = make_head(), features(1)
    with pytest.raises(ValueError, match='2 maps and a sentence'):
        head(given.replace(images=given.images * 2))
    with pytest.raises(ValueError, match='no sentence vector'):
        head(given.replace(sentence=None))
    sample = make_sample(1)
    del sample.gt_sem_seg
    with pytest.raises(ValueError, match='gt_sem_seg'):
        head.loss(given, [sample])
