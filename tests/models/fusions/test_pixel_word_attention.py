import pytest
import torch
import torch.nn.functional as F

from mmvg.models.fusions.pixel_word_attention import PixelWordAttention, TanhGate


@torch.no_grad()
@pytest.mark.parametrize('norm', ['instance', 'layer'])
def test_follows_the_equations_of_lavt_pixel_by_pixel(norm):
    torch.manual_seed(0)
    attention = PixelWordAttention(8, 6, norm).double()
    pixels, text = torch.randn(2, 5, 8).double(), torch.randn(2, 4, 6).double()
    mask = torch.tensor([[True] * 4, [True, True, False, False]])
    out = attention(pixels, text, mask)

    def normed(x, layer):
        if norm == 'layer':
            return layer(x)
        return (x - x.mean(0)) / (x.var(0, unbiased=False) + 1e-5).sqrt()

    for i, length in enumerate((4, 2)):
        words = text[i, :length]
        query = normed(attention.query(pixels[i]), attention.query_norm)
        weights = (query @ attention.key(words).t() / 8**0.5).softmax(-1)
        gathered = normed(attention.out(weights @ attention.value(words)), attention.out_norm)
        expected = F.gelu(attention.mix(F.gelu(attention.visual(pixels[i])) * gathered))
        torch.testing.assert_close(out[i], expected, rtol=1e-5, atol=1e-6)  # instance norm runs in float32


def test_a_closed_gate_opens_after_one_step():
    torch.manual_seed(0)
    gate = TanhGate(4, 'gelu', closed=True)
    x = torch.randn(3, 4)
    assert torch.equal(gate(x), torch.zeros(3, 4))
    step = torch.optim.SGD(gate.parameters(), lr=1.0)
    (gate(x) - 1).square().sum().backward()
    assert gate.out.weight.grad.abs().max() > 0
    step.step()
    step.zero_grad()
    (gate(x) - 1).square().sum().backward()
    assert gate.hidden.weight.grad.abs().max() > 0


def test_an_unknown_norm_is_refused():
    with pytest.raises(ValueError, match="norm must be 'instance' or 'layer'"):
        PixelWordAttention(8, 6, 'batch')


@torch.no_grad()
def test_heads_share_the_channels_and_the_scale_is_that_of_all():
    torch.manual_seed(0)
    attention = PixelWordAttention(8, 6, 'layer', num_heads=2)
    pixels, text = torch.randn(2, 5, 8), torch.randn(2, 4, 6)
    mask = torch.tensor([[True] * 4, [True, True, False, False]])
    out = attention(pixels, text, mask)
    for i, length in enumerate((4, 2)):
        words, query = text[i, :length], attention.query_norm(attention.query(pixels[i]))
        gathered = []
        for part in (slice(4), slice(4, 8)):
            weights = (query[:, part] @ attention.key(words)[:, part].t() / 8**0.5).softmax(-1)
            gathered.append(weights @ attention.value(words)[:, part])
        gathered = attention.out_norm(attention.out(torch.cat(gathered, 1)))
        torch.testing.assert_close(out[i], F.gelu(attention.mix(F.gelu(attention.visual(pixels[i])) * gathered)))
    with pytest.raises(ValueError, match='8 channels cannot be shared out to 3 heads'):
        PixelWordAttention(8, 6, num_heads=3)
