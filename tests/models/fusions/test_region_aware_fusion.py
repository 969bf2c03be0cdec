import pytest
import torch
from torch import nn

from mmvg.models.fusions import RegionAwareFusion

B, L, CL, N = 2, 4, 8, 4


def make(channels=(8, 8, 8, 8), **changes):
    torch.manual_seed(0)
    fusion = RegionAwareFusion(**dict(image_channels=channels, text_channels=CL, num_anchors=N) | changes)
    fusion.init_weights()
    return fusion


def run(fusion, channels=(8, 8, 8, 8), sizes=((4, 6),) * 4):
    """All stages one after the other; a number made of all that a stage gives stands for the layers in between."""
    torch.manual_seed(1)
    text, mask = torch.randn(B, L, CL), torch.tensor([[True, True, False, False], [True] * 4])
    outputs, state = [], None
    carried = 0
    for stage, (c, (h, w)) in enumerate(zip(channels, sizes, strict=True)):
        blocks = [torch.randn(B, h * w, c), torch.randn(B, h * w, c) + carried]
        output = fusion(stage, blocks, (h, w), text, mask, state)
        carried = output.tokens[..., 0].mean()
        outputs.append(output)
        state = output.state
    return outputs


def test_each_stage_gives_tokens_their_map_and_the_text_as_it_was():
    outputs = run(make())
    for output in outputs:
        assert output.feature.shape == (B, 8, 4, 6)
        assert torch.equal(output.feature[0, :, 1, 2], output.tokens[0, 1 * 6 + 2])
        assert output.text.shape == (B, L, CL)
    assert [output.state is None for output in outputs] == [True, False, False, False]


@pytest.mark.parametrize('num_init_stages', [1, 2, 3, 4])
@pytest.mark.parametrize('channels', [(8, 8, 8, 8), (4, 8, 16, 32)])
def test_every_parameter_learns_for_every_number_of_initial_stages(num_init_stages, channels):
    fusion = make(channels, num_init_stages=num_init_stages, anchor_std=1.0, weight_std=0.4)
    outputs = run(fusion, channels)
    torch.manual_seed(2)
    loss = sum((output.feature * torch.randn_like(output.feature)).sum() for output in outputs)
    (loss + (outputs[-1].state * torch.randn_like(outputs[-1].state)).sum()).backward()
    for name, parameter in fusion.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 1e-6, name


def test_fresh_weights_have_the_widths_that_were_asked_for():
    fusion = make((64,) * 4, text_channels=64, num_anchors=64, anchor_std=0.5, weight_std=0.1, value_std=0.3)
    for stage in fusion.stages:
        assert stage.text_value.weight.std().item() == pytest.approx(0.3, rel=0.1)
        assert stage.text_key.weight.std().item() == pytest.approx(0.1, rel=0.1)
        assert stage.anchors is None or stage.anchors.std().item() == pytest.approx(0.5, rel=0.1)
    usual = make((64,) * 4, text_channels=64, weight_std=0.1)
    assert usual.stages[3].text_value.weight.std().item() == pytest.approx(0.1, rel=0.1)


@pytest.mark.parametrize('num_init_stages', [1, 2, 3, 4])
def test_anchors_and_feedback_exist_where_they_are_read(num_init_stages):
    stages = make(num_init_stages=num_init_stages).stages
    assert [stage.anchors is not None for stage in stages] == [i < num_init_stages for i in range(4)]
    # a stage hands over if the next one has no anchors of its own; the last one always does
    assert [stage.propagate for stage in stages] == [i + 1 >= num_init_stages for i in range(3)] + [True]


def test_the_last_stage_keeps_its_anchors_where_no_neck_reads_them(unlearned):
    fusion = make(final_anchors=False)
    outputs = run(fusion)
    assert outputs[-1].state is None
    sum(output.feature.square().sum() for output in outputs).backward()
    assert unlearned(fusion) == []


@pytest.mark.parametrize('num_init_stages', [0, 5])
def test_a_number_of_initial_stages_that_cannot_be_is_refused(num_init_stages):
    with pytest.raises(ValueError, match=f'num_init_stages is {num_init_stages}, but must be 1 to 4'):
        make(num_init_stages=num_init_stages)


def test_fresh_weights_have_the_spread_that_is_asked_for():
    fusion = make((64,) * 4, text_channels=64, anchor_std=1.0, weight_std=0.1)
    assert fusion.stages[0].anchors.std().item() == pytest.approx(1, rel=0.1)
    for module in fusion.modules():
        if isinstance(module, nn.Linear):
            assert module.weight.std().item() == pytest.approx(0.1, rel=0.15)
            assert module.bias is None or not module.bias.any()


def test_the_base_models_have_the_sizes_of_the_fact_sheet():
    """Counted by hand from the equations: 24.8 M for ViT-B and 20.8 M for Swin-B, biases that cancel left out."""
    for channels, millions in (((768,) * 4, 24.8), ((128, 256, 512, 1024), 20.8)):
        with torch.device('meta'):
            fusion = RegionAwareFusion(channels, 768)
        assert sum(p.numel() for p in fusion.parameters()) / 1e6 == pytest.approx(millions, abs=0.1)
