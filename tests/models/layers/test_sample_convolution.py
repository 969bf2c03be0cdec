import pytest
import torch
import torch.nn.functional as F

from mmvg.models.layers import sample_convolution
from mmvg.models.layers.sample_convolution import shifted_products


def integers(*shape, seed):
    return torch.randint(-4, 5, shape, generator=torch.Generator().manual_seed(seed)).float()


def in_a_loop(x, kernels, biases):
    groups = kernels.shape[1]
    return torch.cat([F.conv2d(x[i : i + 1], kernels[i], biases[i], padding=1, groups=groups) for i in range(len(x))])


@pytest.mark.parametrize('batch', [1, 5])
@pytest.mark.parametrize('groups', [1, 3])
def test_the_convolution_of_a_batch_is_a_loop_over_its_samples(batch, groups):
    x, kernels = integers(batch, groups * 6, 7, 9, seed=0), integers(batch, groups, 6, 3, 3, seed=1)
    biases = integers(batch, groups, seed=2)
    out = sample_convolution(x, kernels, biases)
    assert out.shape == (batch, groups, 7, 9)
    assert torch.equal(out, in_a_loop(x, kernels, biases))  # whole numbers: exact whatever the order of the sums
    assert torch.equal(shifted_products(x, kernels) + biases[..., None, None], out)


def test_fractions_are_convolved_as_well():
    x, kernels, biases = torch.randn(5, 18, 7, 9), torch.randn(5, 3, 6, 3, 3), torch.randn(5, 3)
    assert torch.allclose(sample_convolution(x, kernels, biases), in_a_loop(x, kernels, biases), atol=1e-5)
