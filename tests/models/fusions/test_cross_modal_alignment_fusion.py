import pytest
import torch
import torch.nn.functional as F

from mmvg.models.fusions import CrossModalAlignmentFusion


def fusion(**options):
    torch.manual_seed(0)
    return CrossModalAlignmentFusion(
        **dict(image_channels=(16, 32), text_channels=12, scales=(1, 2), head_channels=4) | options
    )


def inputs(stage=0, lengths=(5, 2)):
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randn(2, 24, (16, 32)[stage], generator=generator)
    mask = torch.arange(5)[None] < torch.tensor(lengths)[:, None]
    return stage, [tokens], (4, 6), torch.randn(2, 5, 12, generator=generator), mask, None


def open_gates(model):
    for name, parameter in model.named_parameters():
        if 'gate' in name:
            torch.nn.init.normal_(parameter)
    return model


@torch.no_grad()
def test_one_scale_sees_the_mean_of_the_map_only():
    branch = fusion(scales=(1,)).stages[0].pyramid[0]
    _, (tokens,), size, text, mask, _ = inputs()
    grid = tokens.transpose(1, 2).unflatten(2, size)
    shuffled = tokens[:, torch.randperm(24)].transpose(1, 2).unflatten(2, size)
    pixels, words = branch(grid, text, mask)
    again, words_again = branch(shuffled, text, mask)
    torch.testing.assert_close(pixels, again)
    torch.testing.assert_close(words, words_again)
    torch.testing.assert_close(pixels, pixels[:, :1].expand_as(pixels))


@torch.no_grad()
def test_both_directions_share_one_matrix_of_similarities():
    branch = fusion(scales=(2,)).stages[0].pyramid[0]
    _, (tokens,), size, text, mask, _ = inputs()
    grid = tokens.transpose(1, 2).unflatten(2, size)
    pixels, words = branch(grid, text, mask)
    attention = branch.attention
    cells = branch.project(F.adaptive_avg_pool2d(grid, 2).flatten(2).transpose(1, 2))
    for i, length in enumerate((5, 2)):
        similarity = attention.v_proj(cells[i]) @ attention.l_proj(text[i]).t() / 4**0.5
        to_cells = similarity[:, :length].softmax(-1) @ attention.values_l_proj(text[i, :length])
        expected = attention.out_v_proj(to_cells).t().unflatten(1, (2, 2))[None]
        expected = F.interpolate(expected, size, mode='bilinear', align_corners=True)[0].flatten(1).t()
        torch.testing.assert_close(pixels[i], expected, rtol=1e-4, atol=1e-5)
        to_words = similarity.t().softmax(-1) @ attention.values_v_proj(cells[i])
        torch.testing.assert_close(words[i], attention.out_l_proj(to_words), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_the_gates_multiply_and_padding_stays_as_it_is():
    model = open_gates(fusion())
    call = inputs()
    out = model(*call)
    stage = model.stages[0]
    feature = out.feature.flatten(2).transpose(1, 2)
    gate = stage.image_gate
    torch.testing.assert_close(out.tokens, call[1][0] + torch.tanh(gate.out(F.gelu(gate.hidden(feature)))) * feature)
    mask = call[4]
    assert torch.equal(out.text[~mask], call[3][~mask])
    assert not torch.isclose(out.text[mask], call[3][mask]).all(-1).any()


def test_the_last_stage_has_only_what_is_read(unlearned):
    model = open_gates(fusion(update_last_text=False))
    first = model(*inputs(0))
    last = model(*inputs(1)[:3], first.text, *inputs()[4:])
    assert last.text is first.text
    (first.tokens.sum() + last.feature.square().sum() + first.text.sum()).backward()
    assert unlearned(model) == []
    model = open_gates(fusion(update_last_text=True))
    last = model(*inputs(1))
    assert not torch.allclose(last.text, inputs(1)[3])


def test_without_scales_the_text_stays_as_it_is():
    model = open_gates(fusion(scales=()))
    call = inputs()
    out = model(*call)
    assert out.text is call[3]
    out.feature.square().sum().backward()
    assert out.feature.shape == (2, 16, 4, 6)


def test_channels_that_cannot_be_quartered_are_refused():
    with pytest.raises(ValueError, match=r'multiples of 4, but has \[10\]'):
        CrossModalAlignmentFusion((10, 12), 8)
