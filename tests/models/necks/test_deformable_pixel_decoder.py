import pytest
import torch

from mmvg.models.features import GroundingFeatures
from mmvg.models.necks import DeformablePixelDecoder


def decoder(**options):
    torch.manual_seed(0)
    return DeformablePixelDecoder(
        (4, 6, 8, 10), **dict(channels=8, num_layers=1, num_heads=2, ffn_channels=16, norm_groups=4) | options
    )


def maps(size=32):
    return [torch.randn(2, c, size // s, size // s) for c, s in zip((4, 6, 8, 10), (1, 2, 4, 8), strict=True)]


@pytest.mark.parametrize('num_levels', [3, 4])
def test_gives_pixels_and_the_coarser_maps_finest_first(num_levels, awake, unlearned):
    model = awake(decoder(num_levels=num_levels))
    out = model(GroundingFeatures(images=maps()))
    assert out.pixels.shape == (2, 8, 32, 32)
    assert [tuple(x.shape) for x in out.images] == [(2, 8, 16, 16), (2, 8, 8, 8), (2, 8, 4, 4)]
    (out.pixels.square().sum() + sum(x.square().sum() for x in out.images)).backward()
    assert unlearned(model) == []


@torch.no_grad()
def test_mixed_precision_stays_outside():
    model = decoder().eval()
    features = GroundingFeatures(images=maps())
    expected = model(features).pixels
    with torch.autocast('cpu', dtype=torch.bfloat16):
        pixels = model(features.replace(images=[x.bfloat16().float() for x in features.images])).pixels
        assert model(features).pixels.dtype == torch.float32
        assert torch.equal(model(features).pixels, expected)
    assert pixels.dtype == torch.float32


def test_magnets_decoder_has_its_size():
    with torch.device('meta'):
        model = DeformablePixelDecoder((128, 256, 512, 1024))
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(3.59e6, rel=0.01)


@torch.no_grad()
@pytest.mark.parametrize('num_levels', [3, 4])
def test_gives_what_mmdets_own_forward_gives(num_levels, awake):
    model, given = awake(decoder(num_levels=num_levels, num_layers=2)).eval(), maps()
    pixels, coarse = model.decoder(given)
    out = model(GroundingFeatures(images=given))
    torch.testing.assert_close(out.pixels, pixels)
    for ours, theirs in zip(out.images, coarse[::-1], strict=True):
        torch.testing.assert_close(ours, theirs)


@torch.no_grad()
def test_maps_can_go_through_a_norm_first(awake):
    plain, normed = awake(decoder()).eval(), decoder(input_norm=True).eval()
    normed.load_state_dict(plain.state_dict(), strict=False)
    given = maps()
    by_hand = [(x - x.mean(1, keepdim=True)) / (x.var(1, unbiased=False, keepdim=True) + 1e-5).sqrt() for x in given]
    expected, found = plain(GroundingFeatures(images=by_hand)), normed(GroundingFeatures(images=given))
    torch.testing.assert_close(found.pixels, expected.pixels)
    assert (plain(GroundingFeatures(images=given)).pixels - found.pixels).abs().max() > 0.1
