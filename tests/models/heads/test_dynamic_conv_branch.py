import pytest
import torch
import torch.nn.functional as F

from mmvg.models.heads import DynamicConvBranch


def make(**changes):
    torch.manual_seed(0)
    return DynamicConvBranch(
        **dict(in_channels=6, channels=4, sentence_channels=8, num_kernels=3, hidden_channels=5) | changes
    )


def one_by_one(head, pixels, sentence):
    """Eq. 21 to 28 with a loop over samples and heads, one ordinary convolution each."""
    maps = []
    for x, s in zip(pixels, sentence, strict=True):
        weights = head.mixer(s).softmax(-1)
        groups = head.expand(x[None]).chunk(5, 1)
        outputs = {}
        for t, (name, group) in enumerate(zip(('mask', 'quality', 'sin', 'cos', 'width'), groups, strict=True)):
            kernel = sum(w * k for w, k in zip(weights, head.kernels[:, t], strict=True))
            bias = sum(w * b for w, b in zip(weights, head.biases[:, t], strict=True))
            outputs[name] = F.conv2d(group, kernel[None], bias[None], padding=1)[0, 0]
        maps.append(torch.stack([outputs[name] for name in ('mask', 'quality', 'cos', 'sin', 'width')]))
    return torch.stack(maps)


@pytest.mark.parametrize('batch', [1, 2, 5])
def test_one_grouped_convolution_equals_a_loop_over_samples(batch):
    head = make().double()
    pixels, sentence = torch.randn(batch, 6, 7, 9, dtype=torch.double), torch.randn(batch, 8, dtype=torch.double)
    torch.testing.assert_close(head(pixels, sentence), one_by_one(head, pixels, sentence), rtol=0, atol=1e-13)


def test_gradients_are_those_of_the_loop():
    head = make().double()
    pixels, sentence = torch.randn(3, 6, 5, 5, dtype=torch.double), torch.randn(3, 8, dtype=torch.double)
    weights = torch.randn(3, 5, 5, 5, dtype=torch.double)
    gradients = []
    for run in (head, lambda p, s: one_by_one(head, p, s)):
        head.zero_grad()
        (run(pixels, sentence) * weights).sum().backward()
        gradients.append([p.grad.clone() for p in head.parameters()])
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)


def test_every_sentence_has_kernels_of_its_own_shared_weights_between_maps():
    head = make()
    sentence = torch.randn(2, 8)
    kernels, biases = head.mixed_kernels(sentence)
    assert (kernels.shape, biases.shape) == ((2, 5, 4, 3, 3), (2, 5))
    assert not torch.allclose(kernels[0], kernels[1])
    torch.testing.assert_close(
        kernels[0, 2], torch.tensordot(head.mixer(sentence[0]).softmax(-1), head.kernels[:, 2], 1)
    )


def test_maps_that_are_not_contiguous_are_read_right():
    head = make()
    pixels, sentence = torch.randn(2, 6, 8, 8), torch.randn(2, 8)
    expected = head(pixels, sentence)
    torch.testing.assert_close(head(pixels.to(memory_format=torch.channels_last), sentence), expected)


def test_the_ordinary_head_has_one_kernel_per_map_in_the_same_order():
    head = make(dynamic=False)
    pixels = torch.randn(2, 6, 5, 5)
    groups = head.expand(pixels).chunk(5, 1)
    raw = [
        F.conv2d(group, head.heads.weight[t : t + 1], head.heads.bias[t : t + 1], padding=1)
        for t, group in enumerate(groups)
    ]
    expected = torch.cat([raw[t] for t in (0, 1, 3, 2, 4)], dim=1)
    torch.testing.assert_close(head(pixels, None), expected, rtol=1e-5, atol=1e-6)


def test_size_is_that_counted_by_hand():
    with torch.device('meta'):
        assert sum(p.numel() for p in DynamicConvBranch().parameters()) == 450_968
