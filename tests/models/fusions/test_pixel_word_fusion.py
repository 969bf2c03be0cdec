import pytest
import torch

from mmvg.models.fusions import PixelWordFusion


def test_the_map_is_what_was_fused_and_the_gate_lets_some_of_it_on():
    torch.manual_seed(0)
    fusion = PixelWordFusion(image_channels=(8, 16), text_channels=6)
    text, mask = torch.randn(2, 4, 6), torch.ones(2, 4, dtype=torch.bool)
    tokens = torch.randn(2, 12, 8)
    out = fusion(0, [torch.zeros(2, 12, 8), tokens], (3, 4), text, mask, None)
    fused = fusion.attention[0](tokens, text, mask)
    torch.testing.assert_close(out.feature.flatten(2).transpose(1, 2), fused)
    gate = fusion.gates[0]
    expected = tokens + torch.tanh(gate.out(torch.relu(gate.hidden(fused)))) * fused
    torch.testing.assert_close(out.tokens, expected)
    assert out.text is text


def test_every_parameter_is_used_by_the_stages_together(unlearned):
    fusion = PixelWordFusion(image_channels=(8, 16), text_channels=6)
    text, mask = torch.randn(2, 4, 6), torch.ones(2, 4, dtype=torch.bool)
    first = fusion(0, [torch.randn(2, 12, 8)], (3, 4), text, mask, None)
    last = fusion(1, [torch.randn(2, 12, 16)], (3, 4), text, mask, None)
    (first.tokens.sum() + last.feature.sum()).backward()
    assert unlearned(fusion) == []


def test_every_stage_can_have_heads_of_its_own():
    fusion = PixelWordFusion(image_channels=(8, 16), text_channels=6, num_heads=(2, 4))
    assert [attention.num_heads for attention in fusion.attention] == [2, 4]
    assert [a.num_heads for a in PixelWordFusion((8, 16), 6, num_heads=2).attention] == [2, 2]
    with pytest.raises(ValueError, match=r'num_heads \(2, 4, 4\) must be one for each of 2 stages'):
        PixelWordFusion((8, 16), 6, num_heads=(2, 4, 4))
