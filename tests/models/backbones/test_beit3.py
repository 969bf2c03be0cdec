"""BEiT-3 against a plain reading of its arithmetic, with weights laid out under Microsoft's names."""

import math

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmvg.models.backbones import BEiT3, ConvStem
from mmvg.registry import MODELS
from mmvg.weights.checkpoint import CheckpointError

TINY = dict(img_size=32, patch_size=8, embed_dims=8, num_layers=2, num_heads=2, vocab_size=30, max_text_positions=12)


def tiny_beit3(**changes):
    torch.manual_seed(0)
    model = BEiT3(**{**TINY, **changes})
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return model.eval()


def tiny_inputs(lengths=(6, 3), max_length=6):
    torch.manual_seed(1)
    mask = torch.arange(max_length) < torch.tensor(lengths)[:, None]
    return torch.randn(len(lengths), 3, 32, 32), torch.randint(0, 30, mask.shape), mask


def official(model):
    """The weights of ``model`` as Microsoft's file has them, with the parts that only pre-training needs."""
    state = {f'beit3.{name}': value.clone() for name, value in model.state_dict().items()}
    width = model.text_embed.embedding_dim
    state['beit3.vision_embed.mask_token'] = torch.zeros(1, 1, width)
    for name, rows in (('mlm_head', 30), ('mim_head', 40)):
        state |= {f'{name}.weight': torch.zeros(rows, width), f'{name}.bias': torch.zeros(rows)}
    return state


def layer_norm(x, state, name):
    mean, variance = x.mean(-1, keepdim=True), x.var(-1, unbiased=False, keepdim=True)
    return (x - mean) / (variance + 1e-5).sqrt() * state[f'{name}.weight'] + state[f'{name}.bias']


def linear(x, state, name):
    return x @ state[f'{name}.weight'].T + state[f'{name}.bias']


def reference_beit3(state, image, input_ids, text_mask, patch, heads):
    """One image and text, token by token: CLS and patches (1 + g*g, C), and text (L, C)."""
    grid = image.shape[-1] // patch
    visual = [state['beit3.vision_embed.cls_token'][0, 0]]
    for row in range(grid):
        for col in range(grid):
            pixels = image[:, row * patch : (row + 1) * patch, col * patch : (col + 1) * patch]
            kernel = state['beit3.vision_embed.proj.weight']
            visual.append((kernel * pixels).sum((1, 2, 3)) + state['beit3.vision_embed.proj.bias'])
    visual = [x + state['beit3.encoder.embed_positions.A.weight'][i + 2] for i, x in enumerate(visual)]
    text = [
        (state['beit3.text_embed.weight'][token] + state['beit3.encoder.embed_positions.B.weight'][i + 2]) * keep
        for i, (token, keep) in enumerate(zip(input_ids, text_mask, strict=True))
    ]
    x, ways = torch.stack(visual + text), ['A'] * len(visual) + ['B'] * len(text)
    keys = [i for i, way in enumerate(ways) if way == 'A' or text_mask[i - len(visual)]]

    def each(x, function):
        return torch.stack([function(token, way) for token, way in zip(x, ways, strict=True)])

    layer = 0
    while f'beit3.encoder.layers.{layer}.ffn.A.fc1.weight' in state:
        name = f'beit3.encoder.layers.{layer}'
        y = each(x, lambda t, w: layer_norm(t, state, f'{name}.self_attn_layer_norm.{w}'))  # noqa: B023
        q, k, v = (each(y, lambda t, w: linear(t, state, f'{name}.self_attn.{p}_proj.{w}')) for p in 'qkv')  # noqa: B023
        head_dim = x.shape[1] // heads
        attended = torch.zeros_like(x)
        for i in range(len(x)):
            for head in range(heads):
                channels = slice(head * head_dim, (head + 1) * head_dim)
                scores = torch.stack([q[i, channels] @ k[j, channels] for j in keys]) * head_dim**-0.5
                attended[i, channels] = scores.softmax(0) @ v[keys][:, channels]
        y = each(attended, lambda t, w: layer_norm(t, state, f'{name}.self_attn.inner_attn_ln.{w}'))  # noqa: B023
        x = x + each(y, lambda t, w: linear(t, state, f'{name}.self_attn.out_proj.{w}'))  # noqa: B023

        def feed_forward(t, w):
            t = layer_norm(t, state, f'{name}.final_layer_norm.{w}')  # noqa: B023
            t = linear(t, state, f'{name}.ffn.{w}.fc1')  # noqa: B023
            t = t * 0.5 * (1 + torch.erf(t / math.sqrt(2)))
            return linear(layer_norm(t, state, f'{name}.ffn.{w}.ffn_layernorm'), state, f'{name}.ffn.{w}.fc2')  # noqa: B023

        x = x + each(x, feed_forward)
        layer += 1
    x = each(x, lambda t, w: layer_norm(t, state, f'beit3.encoder.layer_norm.{w}'))
    return x[: len(visual)], x[len(visual) :]


@pytest.mark.parametrize('lengths', [(6, 6), (6, 3), (1, 0)])
@torch.no_grad()
def test_outputs_are_those_of_a_plain_reading_of_the_arithmetic(lengths):
    model = tiny_beit3()
    images, ids, mask = tiny_inputs(lengths)
    features = model(images, ids, mask)
    assert [tuple(x.shape) for x in features.images] == [(2, 8, 4, 4)]
    assert features.text.shape == (2, 6, 8)
    assert features.text_mask.equal(mask)
    for i in range(2):
        visual, text = reference_beit3(official(model), images[i], ids[i], mask[i], patch=8, heads=2)
        torch.testing.assert_close(features.sentence[i], visual[0], rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(features.images[0][i].flatten(1).T, visual[1:], rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(features.text[i], text, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ('size', 'parameters', 'tensors'),
    [
        ({}, 220_987_392, 491),
        (dict(embed_dims=1024, num_layers=24, num_heads=16), 672_702_464, 971),
    ],
)
def test_parameters_are_those_of_microsofts_encoder_without_the_mask_token(size, parameters, tensors):
    with torch.device('meta'):
        model = BEiT3(img_size=224, **size)
    width = model.text_embed.embedding_dim
    assert sum(p.numel() for p in model.parameters()) == parameters - width
    assert len(model.state_dict()) == tensors - 1


@torch.no_grad()
def test_padded_tokens_and_batch_neighbours_change_nothing():
    model = tiny_beit3()
    images, ids, mask = tiny_inputs((6, 3))
    features = model(images, ids, mask)
    other = ids.clone()
    other[1, 3:] = (other[1, 3:] + 7) % 30
    changed = model(images, other, mask)
    torch.testing.assert_close(changed.images[0], features.images[0], rtol=0, atol=0)
    torch.testing.assert_close(changed.text[mask], features.text[mask], rtol=0, atol=0)
    alone = model(images[1:], ids[1:, :3], mask[1:, :3])
    torch.testing.assert_close(alone.images[0], features.images[0][1:])
    torch.testing.assert_close(alone.text, features.text[1:, :3])
    torch.testing.assert_close(alone.sentence, features.sentence[1:])


def test_every_parameter_learns(unlearned):
    model = tiny_beit3(patch_embed=dict(type=ConvStem, channels=(4, 4, 8))).train()
    features = model(*tiny_inputs((6, 3)))
    (features.images[0].square().sum() + features.text.square().sum()).backward()
    assert unlearned(model) == []


def test_drop_path_grows_linearly_and_drops_image_and_text_together():
    model = tiny_beit3(num_layers=5, drop_path_rate=0.2)
    rates = [layer.drop_path.drop_prob for layer in model.encoder.layers]
    assert rates == pytest.approx([0, 0.05, 0.1, 0.15, 0.2])
    layer = model.encoder.layers[0]
    layer.drop_path.drop_prob = 0.5
    tokens = torch.randn(1, 2, 8), torch.randn(1, 3, 8)

    def with_branches(attention, ffn):
        """Image and text behind the layer when a branch is dropped (0) or doubled (2), side by side."""
        x = tokens
        added = layer.self_attn(*layer.self_attn_layer_norm(*x), None)
        x = [token + attention * branch for token, branch in zip(x, added, strict=True)]
        added = layer.ffn(*layer.final_layer_norm(*x))
        return torch.cat([token + ffn * branch for token, branch in zip(x, added, strict=True)], 1)

    expected = torch.cat([with_branches(attention, ffn) for attention in (0, 2) for ffn in (0, 2)])
    given = [x.expand(64, -1, -1) for x in tokens]
    found = torch.cat(layer.train()(*given, None), 1)
    distance = (found[:, None] - expected).abs().amax((2, 3))
    assert distance.amin(1).max() < 1e-5
    assert distance.argmin(1).bincount(minlength=4).min() > 4  # all four happen
    torch.testing.assert_close(torch.cat(layer.eval()(*given, None), 1), with_branches(1, 1).expand(64, -1, -1))


def test_softmax_and_gelu_keep_their_precision_under_autocast():
    torch.manual_seed(0)
    x = torch.randn(2, 2, 40, 8).bfloat16() * 3
    mask = torch.rand(2, 1, 1, 40) > 0.3
    attended = F.scaled_dot_product_attention(x, x, x, attn_mask=mask)
    exact = F.scaled_dot_product_attention(x.double(), x.double(), x.double(), attn_mask=mask)
    scores = (x @ x.transpose(-1, -2)) * 8**-0.5
    naive = scores.masked_fill(~mask, -torch.inf).softmax(-1) @ x
    assert (attended - exact).abs().mean() < 0.5 * (naive - exact).abs().mean()
    assert F.gelu(x).equal(F.gelu(x.float()).bfloat16())
    model, inputs = tiny_beit3(), tiny_inputs()
    with torch.no_grad(), torch.autocast('cpu', dtype=torch.bfloat16):
        half = model(*inputs)
    full = model(*inputs)
    assert (half.images[0] - full.images[0]).abs().mean() < 0.05


def test_fresh_weights_are_drawn_as_torchscale_draws_them():
    torch.manual_seed(0)
    model = BEiT3(**{**TINY, 'embed_dims': 64, 'vocab_size': 500}, position_std=0.1)
    model.init_weights()
    linear = model.encoder.layers[1].ffn.B.fc2
    assert linear.weight.abs().max() <= 0.02
    assert linear.weight.std().item() == pytest.approx(0.02 * 0.54, rel=0.05)  # a normal cut at one standard deviation
    assert not linear.bias.any()
    assert model.text_embed.weight.std().item() == pytest.approx(64**-0.5, rel=0.05)
    assert model.encoder.embed_positions['A'].weight.std().item() == pytest.approx(0.1, rel=0.1)
    assert not model.vision_embed.cls_token.any()
    layer = model.encoder.layers[0]
    assert not layer.ffn.A.fc1.weight.equal(layer.ffn.B.fc1.weight)


def test_conv_stem_strides_one_patch():
    stem = MODELS.build(dict(type=ConvStem, channels=(4, 6, 8), embed_dims=10, patch_size=8))
    assert stem(torch.randn(2, 3, 32, 48)).shape == (2, 10, 4, 6)
    with pytest.raises(ValueError, match='2 stride-2 convolutions do not make a patch of 8'):
        ConvStem((4, 8), embed_dims=10, patch_size=8)


@torch.no_grad()
def test_a_text_alone_is_read_without_the_image():
    model = tiny_beit3().eval()
    images, ids, mask = tiny_inputs()
    text = model.encode_text(ids, mask)
    assert text.shape == model(images, ids, mask).text.shape
    assert torch.equal(model.encode_text(ids, mask, model.token_table[ids]), text)
    assert torch.allclose(model.encode_text(torch.where(mask, ids, 1), mask)[mask], text[mask], atol=1e-6)
    assert not torch.allclose(model(images, ids, mask).text[mask], text[mask])


def test_wrong_inputs_are_named():
    model = tiny_beit3()
    images, ids, mask = tiny_inputs()
    with pytest.raises(ValueError, match='32 pixels'):
        model(images[..., :24], ids, mask)
    with pytest.raises(ValueError, match='at most 10 tokens'):
        model(images, ids.repeat(1, 2), mask.repeat(1, 2))
    with pytest.raises(ValueError, match='multiple of patch_size'):
        BEiT3(img_size=100)


@torch.no_grad()
def test_microsofts_file_is_loaded_with_its_image_positions_resized(tmp_path):
    source = tiny_beit3()
    torch.save({'model': official(source)}, tmp_path / 'beit3.pth')
    model = BEiT3(**{**TINY, 'img_size': 56}, checkpoint=str(tmp_path / 'beit3.pth'))
    model.init_weights()
    table, resized = source.encoder.embed_positions['A'].weight, model.encoder.embed_positions['A'].weight
    assert resized[:3].equal(table[:3])
    expected = cv2.resize(table[3:].reshape(4, 4, 8).numpy(), (7, 7), interpolation=cv2.INTER_CUBIC)
    np.testing.assert_allclose(resized[3:].reshape(7, 7, 8).numpy(), expected, atol=1e-5)
    for name, value in model.state_dict().items():
        if 'embed_positions.A' not in name:
            assert value.equal(source.state_dict()[name]), name


def test_a_missing_or_wrong_file_is_explained(tmp_path):
    model = BEiT3(**TINY, checkpoint=str(tmp_path / 'beit3_base_patch16_224.pth'))
    with pytest.raises(FileNotFoundError, match='never downloaded: put the file there'):
        model.init_weights()
    torch.save({'model': official(tiny_beit3(embed_dims=16))}, tmp_path / 'beit3_base_patch16_224.pth')
    model = BEiT3(**TINY, checkpoint=str(tmp_path / 'beit3_base_patch16_224.pth'))
    with pytest.raises(CheckpointError, match=r'text_embed.weight: 30x16 in the file, 30x8 in the model'):
        model.init_weights()
