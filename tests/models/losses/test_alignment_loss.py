import math

import pytest
import torch
import torch.nn.functional as F

from mmvg.models.losses.alignment_loss import AlignmentLoss, negative_sums


def naive(pixels, foreground, text, tau1, tau2):
    """The printed equations with a logarithm, pair by pair."""
    unit = [F.normalize(p, dim=0) for p in pixels]
    x = [p for p, inside in zip(unit, foreground, strict=True) if inside]
    y = [p for p, inside in zip(unit, foreground, strict=True) if not inside]
    x_mean, y_mean = (F.normalize(torch.stack(v).mean(0), dim=0) for v in (x, y))
    text = F.normalize(text, dim=0)
    p2p = p2t = 0
    for a in x:
        positive, negatives = torch.exp(a @ x_mean / tau1), sum(torch.exp(a @ b / tau1) for b in y)
        p2p = p2p - torch.log(positive / (positive + negatives)) / len(x)
        positive, negatives = torch.exp(a @ text / tau2), sum(torch.exp(a @ b / tau2) for b in y)
        p2t = p2t - torch.log(positive / (positive + negatives)) / len(x)
    for b in y:
        positive, negatives = torch.exp(b @ y_mean / tau1), sum(torch.exp(a @ b / tau1) for a in x)
        p2p = p2p - torch.log(positive / (positive + negatives)) / len(y)
    return p2p, p2t


@pytest.mark.parametrize('taus', [(0.1, 0.1), (0.2, 0.07)])
@pytest.mark.parametrize('block_size', [1, 3, 512])
@pytest.mark.parametrize('counts', [(1, 1), (3, 5), (40, 7)])
def test_is_the_double_loop_with_its_gradients(counts, block_size, taus):
    generator = torch.Generator().manual_seed(sum(counts))
    foreground = torch.arange(sum(counts)) < counts[0]
    foreground = foreground[torch.randperm(sum(counts), generator=generator)]
    values = []
    for function in (AlignmentLoss(*taus, block_size), lambda *a: naive(*a, *taus)):
        generator.manual_seed(1)
        pixels = torch.randn(sum(counts), 6, dtype=torch.float64, generator=generator).requires_grad_()
        text = torch.randn(6, dtype=torch.float64, generator=generator).requires_grad_()
        p2p, p2t = function(pixels, foreground, text)
        (p2p + 2 * p2t).backward()
        values.append((p2p.detach(), p2t.detach(), pixels.grad, text.grad))
    for ours, expected in zip(*values, strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-12, atol=1e-14)


def test_gradients_of_the_sums_are_those_of_finite_differences():
    generator = torch.Generator().manual_seed(0)
    x, y = (
        F.normalize(torch.randn(n, 4, dtype=torch.float64, generator=generator), dim=-1).requires_grad_()
        for n in (5, 3)
    )
    assert torch.autograd.gradcheck(lambda a, b: negative_sums(a, b, 0.5, 2), (x, y))


def test_hand_calculation_of_two_orthogonal_pixels():
    # each pixel is its own mean: e^(1/0.5) against e^0; the text stands on the background
    p2p, p2t = AlignmentLoss(0.5, 0.5)(torch.eye(2), torch.tensor([True, False]), torch.tensor([0.0, 3.0]))
    assert p2p.item() == pytest.approx(2 * math.log(1 + math.exp(-2)), rel=1e-6)
    assert p2t.item() == pytest.approx(math.log(2), rel=1e-6)


def test_float32_is_good_to_a_millionth():
    generator = torch.Generator().manual_seed(0)
    pixels, text = torch.randn(600, 16, generator=generator), torch.randn(16, generator=generator)
    foreground = torch.arange(600) < 90
    single = AlignmentLoss()(pixels, foreground, text)
    double = AlignmentLoss()(pixels.double(), foreground, text.double())
    for a, b in zip(single, double, strict=True):
        assert a.item() == pytest.approx(b.item(), rel=1e-6)


def test_without_text_the_second_term_is_zero():
    p2p, p2t = AlignmentLoss()(torch.randn(4, 3), torch.tensor([True, True, False, False]), None)
    assert p2p > 0
    assert p2t == 0
