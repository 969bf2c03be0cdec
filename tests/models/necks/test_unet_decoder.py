import pytest
import torch
import torch.nn.functional as F

from mmvg.models.features import GroundingFeatures
from mmvg.models.necks import UNetDecoder


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


def test_stages_merge_from_coarse_to_fine_with_aligned_corners():
    torch.manual_seed(0)
    maps, neck = pyramid(), UNetDecoder(8, 6).eval()
    for stage in neck.stages:
        for norm in (stage[1], stage[4]):
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
    x = maps[3]
    for stage, level in zip(neck.stages, (maps[2], maps[1], maps[0]), strict=True):
        x = torch.cat([bilinear_with_corners(x, level.shape[-1]), level], 1)
        for conv, norm in ((stage[0], stage[1]), (stage[3], stage[4])):
            x = F.conv2d(x, conv.weight, padding=1)
            x = (x - norm.running_mean[:, None, None]) / (norm.running_var[:, None, None] + 1e-5).sqrt()
            x = torch.relu(x)
    pixels = neck(GroundingFeatures(images=maps)).pixels
    assert pixels.shape == (2, 6, 16, 16)
    assert torch.allclose(pixels, x, atol=1e-4)
    assert (pixels >= 0).all()


def test_parameters_are_those_counted_by_hand():
    assert sum(p.numel() for p in UNetDecoder().parameters()) == 5_311_488


def test_pyramid_may_come_from_an_odd_grid():
    maps = [torch.randn(1, 8, side, side) for side in (28, 14, 7, 3)]
    assert UNetDecoder(8, 8)(GroundingFeatures(images=maps)).pixels.shape == (1, 8, 28, 28)


def test_wrong_number_of_maps_is_refused():
    with pytest.raises(ValueError, match='4 maps, it got 1'):
        UNetDecoder(8, 8)(GroundingFeatures(images=pyramid()[:1]))
