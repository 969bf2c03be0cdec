import pytest
import torch
import torch.nn.functional as F

from mmvg.models.features import GroundingFeatures
from mmvg.models.necks import TopDownDecoder


def pyramid(channels=8, side=2, batch=2):
    return [torch.randn(batch, channels, side * 2**i, side * 2**i) for i in (3, 2, 1, 0)]


def bilinear_with_corners(x, size):
    """Interpolation where the first and last samples of both grids coincide, pixel by pixel."""
    out = x.new_zeros(*x.shape[:2], size, size)
    step = (x.shape[-1] - 1) / (size - 1)
    for i in range(size):
        for j in range(size):
            top, left = min(int(i * step), x.shape[-2] - 2), min(int(j * step), x.shape[-1] - 2)
            v, u = i * step - top, j * step - left
            out[..., i, j] = (1 - v) * ((1 - u) * x[..., top, left] + u * x[..., top, left + 1]) + v * (
                (1 - u) * x[..., top + 1, left] + u * x[..., top + 1, left + 1]
            )
    return out


@torch.no_grad()
@pytest.mark.parametrize('input_norm', [False, True])
def test_maps_merge_from_coarse_to_fine_with_aligned_corners(input_norm):
    torch.manual_seed(0)
    maps, neck = pyramid(), TopDownDecoder((8,) * 4, 6, input_norm=input_norm).eval()
    levels = maps
    if input_norm:
        levels = [F.layer_norm(x.permute(0, 2, 3, 1), (x.shape[1],)).permute(0, 3, 1, 2) for x in maps]
    x = levels[3]
    for step, level in zip(neck.steps[::-1], levels[2::-1], strict=True):
        x = torch.cat([bilinear_with_corners(x, level.shape[-1]), level], 1)
        for module in step:
            module.bn.running_mean.normal_()
            module.bn.running_var.uniform_(0.5, 2)
            x = F.conv2d(x, module.conv.weight, padding=1)
            x = (x - module.bn.running_mean[:, None, None]) / (module.bn.running_var[:, None, None] + 1e-5).sqrt()
            x = torch.relu(x)
    pixels = neck(GroundingFeatures(images=maps)).pixels
    assert pixels.shape == (2, 6, 16, 16)
    assert torch.allclose(pixels, x, atol=1e-4)
    assert (pixels >= 0).all()


def test_the_decoders_of_lavt_and_instancevg_have_their_sizes():
    with torch.device('meta'):
        lavt = TopDownDecoder((128, 256, 512, 1024), channels=512, input_norm=False)
        instancevg = TopDownDecoder((256,) * 4, channels=256, input_norm=False)
    convolutions = 9 * 512 * ((1024 + 512) + (512 + 256) + (512 + 128) + 3 * 512)
    assert sum(p.numel() for p in lavt.parameters()) == convolutions + 6 * 2 * 512
    assert sum(p.numel() for p in instancevg.parameters()) == 5_311_488


def test_a_pyramid_may_come_from_an_odd_grid():
    maps = [torch.randn(1, 8, side, side) for side in (28, 14, 7, 3)]
    assert TopDownDecoder((8,) * 4, 8)(GroundingFeatures(images=maps)).pixels.shape == (1, 8, 28, 28)


def test_initial_weights_are_mmcvs_or_pytorchs():
    torch.manual_seed(0)
    spread = {
        init: TopDownDecoder((64, 64), 64, conv_init=init).steps[0][0].conv.weight.std()
        for init in ('kaiming', 'pytorch')
    }
    # fan-in is 9 * 128, fan-out 9 * 64: sqrt(2 / fan_out), and 1 / sqrt(3 fan_in)
    assert spread['kaiming'].item() == pytest.approx((2 / (9 * 64)) ** 0.5, rel=0.02)
    assert spread['pytorch'].item() == pytest.approx((1 / (3 * 9 * 128)) ** 0.5, rel=0.02)


def test_a_wrong_number_of_maps_is_refused():
    with pytest.raises(ValueError, match='4 maps, it got 1'):
        TopDownDecoder((8,) * 4, 8)(GroundingFeatures(images=pyramid()[:1]))
