import pytest
import torch

from mmvg.models.fusions import PyramidWordFusion


def fusion():
    torch.manual_seed(0)
    return PyramidWordFusion(image_channels=(16, 32), text_channels=12, scales=(1, 2))


def inputs(stage=0, lengths=(5, 2)):
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randn(2, 24, (16, 32)[stage], generator=generator)
    mask = torch.arange(5)[None] < torch.tensor(lengths)[:, None]
    return stage, [tokens], (4, 6), torch.randn(2, 5, 12, generator=generator), mask, None


@torch.no_grad()
def test_only_what_the_pixels_gathered_goes_on_into_the_next_stage():
    model, (stage, (tokens,), size, text, mask, _) = fusion(), inputs()
    layer = model.stages[0]
    output = model(stage, [tokens], size, text, mask, None)
    assert torch.equal(output.tokens, tokens)  # the gate is closed at first
    assert output.text is text
    layer.image_gate.out.weight.normal_()
    opened = model(stage, [tokens], size, text, mask, None)
    full = layer.full(tokens, text, mask)
    torch.testing.assert_close(opened.tokens, tokens + layer.image_gate(full))
    assert torch.equal(opened.feature, output.feature)
    for branch in layer.pyramid:
        branch.project[4].weight.mul_(2)
    pooled = model(stage, [tokens], size, text, mask, None)
    assert torch.equal(pooled.tokens, opened.tokens)
    assert not torch.allclose(pooled.feature, opened.feature)


@torch.no_grad()
def test_padding_changes_nothing():
    model, (stage, blocks, size, text, mask, _) = fusion(), inputs()
    other = torch.where(mask[..., None], text, torch.randn_like(text))
    torch.testing.assert_close(
        model(stage, blocks, size, other, mask, None).feature, model(stage, blocks, size, text, mask, None).feature
    )


def test_every_parameter_is_used_by_the_stages_together(unlearned):
    model = fusion()
    for layer in model.stages[:1]:
        torch.nn.init.normal_(layer.image_gate.out.weight)
    outputs = [model(*inputs(stage)) for stage in (0, 1)]
    sum((output.feature * torch.randn_like(output.feature)).sum() for output in outputs).backward(retain_graph=True)
    (outputs[0].tokens * torch.randn_like(outputs[0].tokens)).sum().backward()
    assert unlearned(model) == []


def test_widths_that_have_no_quarter_are_refused():
    with pytest.raises(ValueError, match=r'PyramidWordFusion: image_channels must be multiples of 4, but has \[6\]'):
        PyramidWordFusion(image_channels=(8, 6), text_channels=12)
