import pytest
import torch

from mmvg.models.backbones import BertTextEncoder, StagedEncoder, StageOutput, SwinStages
from mmvg.models.fusions import CrossModalAlignmentFusion, PixelWordFusion
from mmvg.registry import MODELS

CHANNELS = (8, 16, 32, 64)


@MODELS.register_module()
class CountingFusion(torch.nn.Module):
    """Changes nothing, and hands on what it has been called with."""

    def forward(self, stage, blocks, size, text, text_mask, state):
        calls = [*(state or []), (stage, len(blocks), size)]
        feature = blocks[-1].transpose(1, 2).unflatten(2, tuple(size))
        return StageOutput(tokens=blocks[-1], feature=feature, text=text, state=calls)


def encoder(fusion=None, **options):
    torch.manual_seed(0)
    model = StagedEncoder(
        image=dict(type=SwinStages, embed_dims=8, depths=(1, 2, 1, 1), num_heads=(1, 2, 2, 2), window_size=3),
        text=dict(type=BertTextEncoder, embed_dims=16, num_layers=4, num_heads=2, ffn_channels=32, vocab_size=50),
        fusion=fusion or dict(type='CountingFusion'),
        **options,
    )
    model.init_weights()
    return model.eval()


def batch():
    generator = torch.Generator().manual_seed(1)
    mask = torch.arange(6)[None] < torch.tensor([6, 3])[:, None]
    return torch.randn(2, 3, 64, 64, generator=generator), torch.randint(1, 50, (2, 6), generator=generator), mask


@torch.no_grad()
@pytest.mark.parametrize('staged', [False, True])
def test_without_fusion_it_is_swin_and_bert(staged):
    model = encoder(staged_text=staged)
    images, ids, mask = batch()
    out = model(images, ids, mask)
    assert torch.equal(out.text, model.text(ids, mask))
    assert torch.equal(out.sentence, out.text[:, 0])
    assert [tuple(x.shape) for x in out.images] == [(2, 8, 16, 16), (2, 16, 8, 8), (2, 32, 4, 4), (2, 64, 2, 2)]
    assert torch.equal(out.unfused, out.images[-1])
    assert out.anchors == [(0, 1, (16, 16)), (1, 2, (8, 8)), (2, 1, (4, 4)), (3, 1, (2, 2))]
    assert torch.equal(model.encode_text(ids, mask), out.text)


@torch.no_grad()
@pytest.mark.parametrize('fusion', [PixelWordFusion, CrossModalAlignmentFusion])
def test_padded_tokens_change_nothing(fusion):
    model = encoder(dict(type=fusion, image_channels=CHANNELS, text_channels=16), staged_text=True)
    for name, parameter in model.named_parameters():
        if 'gate' in name:
            torch.nn.init.normal_(parameter)
    images, ids, mask = batch()
    out, again = model(images, ids, mask), model(images, torch.where(mask, ids, 7), mask)
    torch.testing.assert_close(again.text[mask], out.text[mask])
    for a, b in zip(again.images, out.images, strict=True):
        torch.testing.assert_close(a, b)
    other = model(images, torch.where(mask, 9, ids), mask)
    assert all(not torch.allclose(a, b) for a, b in zip(other.images, out.images, strict=True))


@torch.no_grad()
def test_closed_gates_leave_both_encoders_as_they_are():
    fusion = dict(type=CrossModalAlignmentFusion, image_channels=CHANNELS, text_channels=16)
    model, plain = encoder(fusion, staged_text=True), encoder(staged_text=True)
    plain.load_state_dict(model.state_dict(), strict=False)
    images, ids, mask = batch()
    out, expected = model(images, ids, mask), plain(images, ids, mask)
    torch.testing.assert_close(out.text, expected.text)
    torch.testing.assert_close(out.unfused, expected.unfused)


def test_text_layers_that_cannot_be_shared_out_are_refused():
    with pytest.raises(ValueError, match='4 text layers cannot be shared out to 3 stages'):
        StagedEncoder(
            image=dict(type=SwinStages, embed_dims=8, depths=(1, 1, 1), num_heads=(1, 2, 2), window_size=3),
            text=dict(type=BertTextEncoder, embed_dims=16, num_layers=4, num_heads=2, ffn_channels=32),
            fusion=dict(type='CountingFusion'),
            staged_text=True,
        )
