import pytest
import torch
import torch.nn.functional as F

from mmvg.models.backbones import ViLTEncoder
from mmvg.registry import MODELS
from mmvg.weights.checkpoint import CheckpointError

TINY = dict(
    img_size=32,
    patch_size=8,
    embed_dims=16,
    num_layers=2,
    num_heads=2,
    ffn_channels=32,
    vocab_size=50,
    max_text_positions=7,
    position_img_size=48,
)


def tiny(seed=0, **options):
    torch.manual_seed(seed)
    model = MODELS.build(dict(type='ViLTEncoder', **TINY | options)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.3)
    return model


def batch(lengths=(7, 3), max_length=7):
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(1, 50, (len(lengths), max_length), generator=generator)
    mask = torch.arange(max_length)[None] < torch.tensor(lengths)[:, None]
    return torch.randn(len(lengths), 3, 32, 32, generator=generator), ids.masked_fill(~mask, 0), mask


@torch.no_grad()
def test_gives_one_map_tokens_and_a_sentence():
    out = tiny()(*batch())
    assert [tuple(x.shape) for x in out.images] == [(2, 16, 4, 4)]
    assert out.text.shape == (2, 7, 16)
    assert torch.equal(out.sentence, out.text[:, 0])


@torch.no_grad()
def test_agrees_with_transformers_but_for_the_order_of_patches():
    model, (images, ids, mask) = tiny(), batch()
    out = model(images, ids, mask)
    pixel_mask = torch.ones(2, 32, 32, dtype=torch.long)
    theirs = model.vilt(input_ids=ids, attention_mask=mask.long(), pixel_values=images, pixel_mask=pixel_mask)
    theirs = theirs.last_hidden_state
    assert torch.allclose(out.text[mask], theirs[:, :7][mask], atol=1e-4)
    ours = out.images[0].flatten(2).transpose(1, 2)
    distance = torch.cdist(ours, theirs[:, 8:])  # each of our cells is one of their shuffled ones
    assert (distance.min(dim=2).values < 1e-3).all()
    assert all(len(set(row.tolist())) == 16 for row in distance.argmin(dim=2))


@torch.no_grad()
def test_patches_are_embedded_row_by_row_with_resized_positions():
    model, (images, ids, mask) = tiny(), batch()
    embeddings, given = model.vilt.embeddings, {}
    grid = embeddings.position_embeddings[0, 1:].T.view(1, 16, 6, 6)
    grid = F.interpolate(grid, size=(4, 4), mode='bilinear', align_corners=True)[0]
    model.vilt.register_forward_pre_hook(lambda _, args, named: given.update(named), with_kwargs=True)
    model(images, ids, mask)
    out = given['image_embeds']
    weight, bias = embeddings.patch_embeddings.projection.weight, embeddings.patch_embeddings.projection.bias
    for i in range(4):
        for j in range(4):
            patch = images[:, :, 8 * i : 8 * i + 8, 8 * j : 8 * j + 8]
            expected = torch.einsum('ochw,bchw->bo', weight, patch) + bias + grid[:, i, j]
            assert torch.allclose(out[:, 1 + 4 * i + j], expected, atol=1e-4)


@torch.no_grad()
def test_padding_has_no_influence():
    model, (images, ids, mask) = tiny(), batch((3, 3))
    out = model(images, ids, mask)
    other = model(images, ids.masked_fill(~mask, 17), mask)
    shorter = model(images, ids[:, :3], mask[:, :3])
    for changed in (other, shorter):
        assert torch.allclose(out.images[0], changed.images[0], atol=1e-4)
        assert torch.allclose(out.text[:, :3], changed.text[:, :3], atol=1e-4)


def test_every_parameter_learns(unlearned):
    model, (images, ids, mask) = tiny().train(), batch()
    out = model(images, ids, mask)
    (out.images[0].square().sum() + out.text.square().sum()).backward()
    assert unlearned(model) == []


@pytest.mark.parametrize('layout', ['model.safetensors', 'pytorch_model.bin', 'file'])
def test_loads_a_directory_or_a_file_of_transformers(tmp_path, layout):
    source = tiny(seed=1)
    state = {f'vilt.{name}': value.clone() for name, value in source.vilt.state_dict().items()}
    state |= {'vilt.pooler.dense.weight': torch.zeros(16, 16), 'mlm_score.bias': torch.zeros(50)}
    path = tmp_path if layout != 'file' else tmp_path / 'vilt.bin'
    if layout == 'model.safetensors':
        from safetensors.torch import save_file

        save_file(state, path / layout)
    else:
        torch.save(state, path / layout if layout != 'file' else path)
    model = tiny(checkpoint=str(path))
    model.init_weights()
    for name, value in source.state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name


def test_weights_that_do_not_fit_are_refused(tmp_path):
    torch.save(tiny(position_img_size=40).vilt.state_dict(), tmp_path / 'vilt.bin')
    with pytest.raises(CheckpointError, match=r'1x26x16 in the file, 1x37x16 in the model'):
        tiny(checkpoint=str(tmp_path / 'vilt.bin')).init_weights()
    (tmp_path / 'empty').mkdir()
    with pytest.raises(FileNotFoundError, match=r'neither model\.safetensors nor'):
        tiny(checkpoint=str(tmp_path / 'empty')).init_weights()


def test_wrong_sizes_are_refused():
    images, ids, mask = batch(max_length=8)
    with pytest.raises(ValueError, match='at most 7 tokens'):
        tiny()(images, ids, mask)
    with pytest.raises(ValueError, match='32 pixels a side'):
        tiny()(images[..., :24], ids[:, :7], mask[:, :7])
    with pytest.raises(ValueError, match='multiples of patch_size'):
        tiny(img_size=30)


def test_defaults_have_the_size_of_vilt_b_32():
    with torch.device('meta'):
        model = ViLTEncoder()
    words = model.vilt.embeddings.text_embeddings.word_embeddings.weight.numel()
    assert round((sum(p.numel() for p in model.parameters()) - words) / 1e6, 1) == 87.6  # 87.4 M and position tables
