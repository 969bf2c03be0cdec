import torch

from mmvg.models.layers import LN2d


def test_normalises_the_channels_of_each_pixel():
    norm = LN2d(2)
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([2.0, 3.0]))
        norm.bias.copy_(torch.tensor([0.0, 1.0]))
    x = torch.tensor([1.0, 3.0]).view(1, 2, 1, 1)  # mean 2, biased variance 1
    unit = 1 / (1 + 1e-5) ** 0.5
    expected = torch.tensor([-2.0 * unit, 3.0 * unit + 1.0])
    assert torch.allclose(norm(x).flatten(), expected, atol=1e-6)


def test_agrees_with_torch_layer_norm_on_the_channel_axis():
    x = torch.randn(2, 8, 3, 5)
    reference = torch.nn.LayerNorm(8)(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    assert torch.allclose(LN2d(8)(x), reference, atol=1e-6)


def test_statistics_of_half_precision_are_float32():
    x = (torch.randn(1, 8, 4, 4) + 200).bfloat16()
    with torch.autocast('cpu', torch.bfloat16):
        y = LN2d(8)(x)
    assert y.dtype == torch.bfloat16
    assert torch.allclose(y.float(), LN2d(8)(x.float()), atol=2e-2)
