import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.ops import deform_conv2d

from mmvg.models.layers import EnhancementBlock, OffsetDeformConv
from mmvg.models.layers.deformable_enhancement import sampled_convolution


def integers(*shape, seed=0):
    """Small whole numbers as floats: sums of their products are exact in any order."""
    return torch.randint(-4, 5, shape, generator=torch.Generator().manual_seed(seed)).float()


def moved_offsets(block):
    """Give the offsets of an untrained convolution some sizes, far beyond the border too."""
    with torch.no_grad():
        block.offset.bias.uniform_(-4, 4, generator=torch.Generator().manual_seed(3))
        block.offset.weight.normal_(std=0.3, generator=torch.Generator().manual_seed(4))
    return block


@torch.no_grad()
def test_with_zero_offsets_it_is_the_plain_convolution_to_the_last_bit():
    conv = OffsetDeformConv(8, 6).eval()
    conv.weight.copy_(integers(6, 8, 3, 3))
    x = integers(3, 8, 7, 9, seed=1)
    assert torch.equal(conv(x), F.conv2d(x, conv.weight, padding=1))
    conv = OffsetDeformConv(8, 6).eval()
    x = torch.randn(3, 8, 7, 9)
    assert torch.allclose(conv(x), F.conv2d(x, conv.weight, padding=1), atol=1e-5)


def test_training_starts_at_the_plain_convolution_too():
    conv, x = OffsetDeformConv(8, 6), torch.randn(3, 8, 7, 9)
    assert torch.allclose(conv(x), F.conv2d(x, conv.weight, padding=1), atol=1e-4)


@pytest.mark.parametrize('size', [(7, 9), (1, 5), (6, 1)])
def test_sampling_is_torchvisions_operator_with_its_gradients(size):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 4, *size, generator=generator, dtype=torch.float64, requires_grad=True)
    offset = (3 * torch.randn(2, 18, *size, generator=generator, dtype=torch.float64)).requires_grad_()
    weight = torch.randn(5, 4, 3, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    ours, theirs = sampled_convolution(x, offset, weight), deform_conv2d(x, offset, weight, padding=1)
    assert torch.allclose(ours, theirs, atol=1e-10)
    for mine, reference in zip(
        torch.autograd.grad(ours.square().sum(), (x, offset, weight)),
        torch.autograd.grad(theirs.square().sum(), (x, offset, weight)),
        strict=True,
    ):
        assert torch.allclose(mine, reference, atol=1e-8)


def test_offsets_move_the_samples_and_learn():
    conv, x = moved_offsets(OffsetDeformConv(4, 3)), torch.randn(2, 4, 6, 6)
    trained = conv(x)
    with torch.no_grad():
        assert torch.allclose(conv(x), trained, atol=1e-4)
        assert not torch.allclose(trained, F.conv2d(x, conv.weight, padding=1), atol=0.1)
    trained.square().mean().backward()
    assert conv.offset.weight.grad.abs().max() > 0


@pytest.mark.parametrize('batch', [1, 33])  # mmcv's operator refuses 33
def test_any_batch_size(batch):
    conv, x = moved_offsets(OffsetDeformConv(4, 3)), torch.randn(batch, 4, 5, 5)
    with torch.no_grad():
        assert torch.allclose(conv(x)[-1:], conv(x[-1:]), atol=1e-5)


def test_it_stays_in_single_precision_under_autocast():
    conv, x = moved_offsets(OffsetDeformConv(4, 3)), torch.randn(2, 4, 5, 5)
    for grad in (False, True):
        with torch.set_grad_enabled(grad):
            expected = conv(x)
            with torch.autocast('cpu', dtype=torch.bfloat16):
                out = conv(x.bfloat16().float())
        assert out.dtype == torch.float32
        assert torch.allclose(out, expected, atol=0.2)


def randomized(block):
    """A block whose norms and offsets are not those of the start."""
    generator = torch.Generator().manual_seed(5)
    for module in block.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
            nn.init.uniform_(module.weight, 0.5, 2, generator=generator)
            nn.init.normal_(module.bias, generator=generator)
    if isinstance(block.conv, OffsetDeformConv):
        moved_offsets(block.conv)
    return block.eval()


@torch.no_grad()
@pytest.mark.parametrize('deform', [False, True])
@pytest.mark.parametrize('residual', [False, True])
@pytest.mark.parametrize('se', [False, True])
def test_the_block_is_equations_1_to_3(deform, residual, se):
    torch.manual_seed(0)
    block = randomized(EnhancementBlock(8, 6, deform, residual, se, se_ratio=2))
    x = torch.randn(2, 8, 3, 4)
    u = F.interpolate(x, scale_factor=2, mode='bilinear', align_corners=False)

    def norm(module, value):
        scale = module.weight / (module.running_var + module.eps).sqrt()
        return (value - module.running_mean[:, None, None]) * scale[:, None, None] + module.bias[:, None, None]

    if deform:
        convolved = deform_conv2d(u, block.conv.offset(u), block.conv.weight, padding=1)
    else:
        convolved = F.conv2d(u, block.conv.weight, padding=1)
    expected = norm(block.norm, convolved).clamp(min=0)
    if se:
        squeezed = expected.mean((2, 3))
        w1, w2 = block.se.conv1.conv, block.se.conv2.conv
        hidden = (squeezed @ w1.weight[:, :, 0, 0].T + w1.bias).clamp(min=0)
        expected = expected * (hidden @ w2.weight[:, :, 0, 0].T + w2.bias).sigmoid()[:, :, None, None]
    if residual:  # the 1x1 convolution after the enlargement here, before it in the block
        expected = expected + norm(block.shortcut_norm, F.conv2d(u, block.shortcut.weight))
    assert block(x).shape == (2, 6, 6, 8)
    assert torch.allclose(block(x), expected, atol=1e-5)


def test_every_part_learns(unlearned):
    block = EnhancementBlock(8, 6, se_ratio=2)
    moved_offsets(block.conv)
    block(torch.randn(4, 8, 5, 5)).square().sum().backward()
    assert unlearned(block) == []
