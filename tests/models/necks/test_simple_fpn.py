import pytest
import torch
import torch.nn.functional as F

from mmvg.models.features import GroundingFeatures
from mmvg.models.necks import SimpleFPN


def layer_norm_2d(x, norm):
    mean = x.mean(1, keepdim=True)
    variance = ((x - mean) ** 2).mean(1, keepdim=True)
    x = (x - mean) / (variance + 1e-5).sqrt()
    return x * norm.weight[:, None, None] + norm.bias[:, None, None]


def test_every_level_is_the_arithmetic_of_the_paper():
    torch.manual_seed(0)
    neck, image = SimpleFPN(8, 12), torch.randn(2, 8, 6, 4)
    state = neck.state_dict()

    def enlarge(x, name):
        return F.conv_transpose2d(x, state[f'{name}.weight'], state[f'{name}.bias'], stride=2)

    c1 = enlarge(F.gelu(layer_norm_2d(enlarge(image, 'fpn1.0'), neck.fpn1[1])), 'fpn1.3')
    maps = [c1, enlarge(image, 'fpn2.0'), image, F.max_pool2d(image, 2)]
    out = neck(GroundingFeatures(images=[image])).images
    assert [tuple(x.shape) for x in out] == [(2, 12, 24, 16), (2, 12, 12, 8), (2, 12, 6, 4), (2, 12, 3, 2)]
    for i, x in enumerate(maps):
        x = layer_norm_2d(F.conv2d(x, state[f'lateral_convs.{i}.conv.weight']), neck.lateral_convs[i].norm_layer)
        x = F.conv2d(x, state[f'fpn_convs.{i}.conv.weight'], padding=1)
        assert torch.allclose(out[i], layer_norm_2d(x, neck.fpn_convs[i].norm_layer), atol=1e-4)


def test_names_and_sizes_are_those_of_the_released_weights():
    neck = SimpleFPN()
    shapes = {name: tuple(value.shape) for name, value in neck.state_dict().items()}
    assert shapes['fpn1.0.weight'] == (256, 128, 2, 2)
    assert shapes['fpn1.1.weight'] == (128,)
    assert shapes['fpn1.3.weight'] == (128, 64, 2, 2)
    assert shapes['fpn2.0.weight'] == (256, 128, 2, 2)
    assert [shapes[f'lateral_convs.{i}.conv.weight'][1] for i in range(4)] == [64, 128, 256, 256]
    assert sum(p.numel() for p in neck.parameters()) == 2_839_104  # counted by hand


def test_block_convolutions_start_with_fan_out_kaiming():
    weight = SimpleFPN(256, 256).fpn_convs[0].conv.weight
    assert weight.std().item() == pytest.approx((2 / (256 * 9)) ** 0.5, rel=0.02)


def test_autocast_gives_the_same_maps_up_to_rounding():
    neck, given = SimpleFPN(8, 8), GroundingFeatures(images=[torch.randn(1, 8, 4, 4)])
    with torch.autocast('cpu', torch.bfloat16):
        low = neck(given).images
    for x, y in zip(low, neck(given).images, strict=True):
        assert torch.allclose(x.float(), y, atol=0.15)


def test_width_that_cannot_be_quartered_is_refused():
    with pytest.raises(ValueError, match='in_channels=6'):
        SimpleFPN(6)
