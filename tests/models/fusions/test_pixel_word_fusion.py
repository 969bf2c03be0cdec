import torch
import torch.nn.functional as F

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


def test_the_map_for_the_decoder_can_have_a_norm_that_the_next_stage_does_not_see():
    text, mask, tokens = torch.randn(2, 4, 6), torch.ones(2, 4, dtype=torch.bool), torch.randn(2, 12, 8)
    plain = PixelWordFusion(image_channels=(8,) * 2, text_channels=6)
    normed = PixelWordFusion(image_channels=(8,) * 2, text_channels=6, map_norm=True)
    normed.load_state_dict(plain.state_dict(), strict=False)
    before, after = (fusion(0, [tokens], (3, 4), text, mask, None) for fusion in (plain, normed))
    assert torch.equal(before.tokens, after.tokens)
    torch.testing.assert_close(after.feature.mean(1), torch.zeros(2, 3, 4), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        after.feature, F.layer_norm(before.feature.permute(0, 2, 3, 1), (8,)).permute(0, 3, 1, 2)
    )
