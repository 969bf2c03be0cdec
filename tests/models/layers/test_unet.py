import pytest
import torch

from mmvg.models.layers import UNet


@pytest.mark.parametrize('size', [(32, 32), (30, 21), (8, 8)])
def test_a_new_net_answers_zero_at_the_size_of_its_input(size):
    out = UNet(3, (4, 8, 8, 16))(torch.randn(2, 3, *size))
    assert out.shape == (2, 3, *size)
    assert out.abs().max() == 0


def test_every_parameter_gets_a_gradient_once_the_last_layer_is_not_zero(awake, unlearned):
    net = awake(UNet(1, (4, 8, 8, 16)))
    net(torch.randn(2, 1, 16, 16)).square().sum().backward()
    assert unlearned(net) == []


def test_sizes_are_those_counted_by_hand():
    with torch.device('meta'):
        assert [sum(p.numel() for p in UNet(n).parameters()) for n in (1, 4)] == [7_784_577, 7_786_500]
