import open_clip.model
import pytest
import torch
import torch.nn.functional as F

from mmvg.models.backbones import CLIPDualEncoder
from mmvg.registry import MODELS
from mmvg.weights.checkpoint import CheckpointError

TINY = dict(
    img_size=32,
    patch_size=8,
    image_channels=16,
    image_layers=2,
    text_channels=16,
    text_layers=2,
    head_channels=8,
    embed_dims=8,
    fusion_layers=2,
    fusion_heads=2,
    fusion_ffn_channels=16,
    vocab_size=50,
    max_text_positions=7,
)


def tiny(**options):
    torch.manual_seed(0)
    return MODELS.build(dict(type='CLIPDualEncoder', **TINY | options)).eval()


def tiny_clip(img_size=32, quick_gelu=True):
    """CLIP itself, as open_clip builds it, with weights that a test can tell from fresh ones."""
    clip = open_clip.model.CLIP(
        8,
        open_clip.model.CLIPVisionCfg(layers=2, width=16, head_width=8, patch_size=8, image_size=img_size),
        open_clip.model.CLIPTextCfg(context_length=7, vocab_size=50, width=16, heads=2, layers=2),
        quick_gelu=quick_gelu,
    )
    with torch.no_grad():
        for parameter in clip.parameters():
            parameter.normal_(std=0.3)
    return clip.eval()


def batch(lengths=(7, 3), max_length=7):
    """Images, ids in which the end of text (49) is the highest id, and the mask."""
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(1, 40, (len(lengths), max_length), generator=generator)
    mask = torch.arange(max_length)[None] < torch.tensor(lengths)[:, None]
    ids[~mask] = 0
    for row, length in zip(ids, lengths, strict=True):
        row[max(length - 1, 0)] = 49
    return torch.randn(len(lengths), 3, 32, 32, generator=generator), ids, mask


@torch.no_grad()
def test_gives_one_map_tokens_and_a_sentence():
    out = tiny()(*batch())
    assert [tuple(x.shape) for x in out.images] == [(2, 8, 4, 4)]
    assert out.text.shape == (2, 7, 8)
    assert torch.equal(out.sentence, torch.stack([out.text[0, 6], out.text[1, 2]]))  # the last real tokens


@torch.no_grad()
def test_towers_are_clip_and_fusion_is_a_pre_norm_transformer():
    model, (images, ids, mask) = tiny(), batch()
    clip = tiny_clip()
    model.clip.load_state_dict({k: v for k, v in clip.state_dict().items() if k != 'logit_scale'})
    text = clip.transformer(clip.token_embedding(ids) + clip.positional_embedding[:7], attn_mask=clip.attn_mask[:7, :7])
    text = clip.ln_final(text) @ clip.text_projection
    # CLIP's own text feature is that of the token with the highest id
    assert torch.allclose(text[torch.arange(2), ids.argmax(1)], clip.encode_text(ids), atol=1e-5)
    clip.visual.output_tokens = True
    patches = clip.visual(images)[1] @ clip.visual.proj

    x = torch.cat([patches + model.type_embedding[0], text + model.type_embedding[1]], 1)
    visible = torch.cat([torch.ones(2, 16, dtype=torch.bool), mask], 1)
    for layer in model.fusion.layers:
        attention, y = layer.self_attn, layer.norm1(x)
        q, k, v = F.linear(y, attention.in_proj_weight, attention.in_proj_bias).chunk(3, -1)
        q, k, v = (z.unflatten(2, (2, 4)).transpose(1, 2) for z in (q, k, v))
        scores = (q @ k.transpose(2, 3) / 2).masked_fill(~visible[:, None, None], -torch.inf)
        x = x + attention.out_proj((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))
        x = x + layer.linear2(F.gelu(layer.linear1(layer.norm2(x))))
    x = model.fusion.norm(x)
    out = model(images, ids, mask)
    assert torch.allclose(out.images[0].flatten(2).transpose(1, 2), x[:, :16], atol=1e-5)
    assert torch.allclose(out.text[mask], x[:, 16:][mask], atol=1e-5)


@torch.no_grad()
def test_padding_has_no_influence():
    model, (images, ids, mask) = tiny(), batch((3, 3))
    out = model(images, ids, mask)
    other = model(images, ids.masked_fill(~mask, 17), mask)
    shorter = model(images, ids[:, :3], mask[:, :3])
    for changed in (other, shorter):
        assert torch.allclose(out.images[0], changed.images[0], atol=1e-5)
        assert torch.allclose(out.text[:, :3], changed.text[:, :3], atol=1e-5)


def test_every_parameter_learns(unlearned):
    model, (images, ids, mask) = tiny().train(), batch()
    out = model(images, ids, mask)
    (out.images[0].square().sum() + out.text.square().sum()).backward()
    assert unlearned(model) == []


@pytest.mark.filterwarnings('ignore::torch.jit.TracerWarning')
@pytest.mark.parametrize('kind', ['state_dict', 'torchscript'])
def test_loads_half_precision_weights_of_another_image_size(tmp_path, kind):
    clip, path = tiny_clip(img_size=16), tmp_path / 'ViT-tiny.pt'
    with torch.no_grad():
        for parameter in clip.parameters():
            parameter.copy_(parameter.half())
    if kind == 'torchscript':
        traced = torch.jit.trace(clip, (torch.zeros(1, 3, 16, 16), batch()[1][:1]), check_trace=False)
        torch.jit.save(traced, path)
    else:
        state = {name: value.half() for name, value in clip.state_dict().items()}
        torch.save(state | dict(input_resolution=torch.tensor(16), vocab_size=torch.tensor(50)), path)
    model = tiny(checkpoint=str(path))
    model.init_weights()
    assert all(p.dtype == torch.float32 for p in model.parameters())
    assert torch.equal(model.clip.positional_embedding, clip.positional_embedding)
    assert torch.equal(model.clip.visual.conv1.weight, clip.visual.conv1.weight)
    ours, theirs = model.clip.visual.positional_embedding, clip.visual.positional_embedding
    assert torch.equal(ours[0], theirs[0])  # the class token keeps its position
    grid = theirs[1:].T.view(1, 16, 2, 2)
    resized = F.interpolate(grid, size=(4, 4), mode='bicubic', antialias=True)
    assert torch.allclose(ours[1:], resized.flatten(2)[0].T, atol=1e-5)


def test_weights_of_another_model_are_refused_with_the_difference(tmp_path):
    path = tmp_path / 'other.pth'
    torch.save({'backbone.weight': torch.zeros(3)}, path)
    with pytest.raises(CheckpointError, match='backbone'):
        tiny(checkpoint=str(path)).init_weights()
    torch.save({name: value for name, value in tiny_clip().state_dict().items() if name != 'ln_final.bias'}, path)
    with pytest.raises(CheckpointError, match=r'ln_final\.bias'):
        tiny(checkpoint=str(path)).init_weights()
    with pytest.raises(FileNotFoundError, match=r'nowhere\.pt'):
        tiny(checkpoint=str(tmp_path / 'nowhere.pt')).init_weights()


def test_wrong_sizes_are_refused():
    images, ids, mask = batch(max_length=8)
    with pytest.raises(ValueError, match='at most 7 tokens'):
        tiny()(images, ids, mask)
    with pytest.raises(ValueError, match='32 pixels a side'):
        tiny()(images[..., :24], ids[:, :7], mask[:, :7])
    with pytest.raises(ValueError, match='multiple of patch_size'):
        tiny(img_size=30)


def test_defaults_have_the_size_of_vit_b_16():
    with torch.device('meta'):
        model = CLIPDualEncoder(img_size=224)
    temperature = 1
    assert sum(p.numel() for p in model.clip.parameters()) == 149_620_737 - temperature  # OpenAI's model card
