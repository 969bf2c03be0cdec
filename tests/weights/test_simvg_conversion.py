"""Files laid out as the authors of SimVG lay them out become ours, and answer what their arithmetic gives."""

import copy
import math

import pytest
import torch
from plain_arithmetic import attention, ffn, layer_norm, linear, mlp, sine_position
from released_shapes import beit3_shapes, of_attention, of_layer, of_mlp, of_module, of_norm

from mmvg.config import read_config
from mmvg.registry import MODELS
from mmvg.weights import CheckpointError, load_weights, save_weights
from mmvg.weights.conversion import convert_checkpoint, convert_simvg
from mmvg.weights.conversion.simvg import SIMVG_DROPPED

CONFIGS = __file__.rsplit('/tests/', 1)[0] + '/configs'
TINY = dict(width=16, layers=2, patches=16, vocab=30, texts=12, patch=8, channels=32, queries=3, hidden=(24, 40))


def simvg_shapes(
    width=768, layers=12, patches=400, vocab=64010, texts=1024, patch=32, channels=256, queries=1, hidden=(512, 2048)
):
    """Names and shapes of a released SimVG, buffers included."""
    c = channels
    head = {
        **of_module('input_proj', c, width, 1, 1),
        **of_module('input_text_proj', c, width),
        **of_module('input_cls_proj', c, width),
        'query_embed.weight': (queries, c),
        **of_mlp('mlp', c, c),
        'criterion.empty_weight': (2,),
        'criterion_harddistill.empty_weight': (2,),
    }
    for branch in ('decoder', 'token'):
        head |= of_module(f'class_embed_{branch}', 2, c) | of_mlp(f'bbox_embed_{branch}', c, c, c, 4)
    for name, count, wide in (
        ('text_guided_query_generation_transformer', 2, hidden[0]),
        ('transformer.decoder', 3, hidden[1]),
    ):
        head |= of_norm(f'{name}.post_norm_layer', c)
        for i in range(count):
            layer = f'{name}.layers.{i}'
            head |= of_layer(layer, c, wide) | of_attention(f'{layer}.attentions.1.attn', c)
    encoder = beit3_shapes('vis_enc.beit3.', width, layers, patches, vocab, texts, patch)
    return encoder | {f'head.{name}': shape for name, shape in head.items()}


@pytest.fixture(scope='module')
def official():
    """Random weights of a tiny SimVG under the authors' names."""
    generator = torch.Generator().manual_seed(0)
    state = {}
    for name, shape in simvg_shapes(**TINY).items():
        if 'norm' in name.rsplit('.', 2)[-2] + name.rsplit('.', 3)[-3] and name.endswith('.weight'):
            state[name] = 1 + 0.2 * torch.randn(shape, generator=generator)
        else:
            state[name] = torch.randn(shape, generator=generator) * (0.3 if len(shape) == 1 else shape[0] ** -0.5)
    return state


@pytest.fixture(scope='module')
def model_cfg():
    cfg = read_config(
        f'{CONFIGS}/_base_/models/simvg_base.py', dict(size=32, channels=32, encoder_channels=16, num_queries=3)
    )
    cfg.model.backbone.update(
        patch_size=8, num_layers=2, num_heads=2, vocab_size=30, max_text_positions=12, checkpoint=None
    )
    cfg.model.neck.query_generator.ffn_channels, cfg.model.head.decoder.ffn_channels = TINY['hidden']
    return cfg.model


@pytest.mark.parametrize(
    ('config', 'sizes', 'entries'), [('simvg_base', {}, 612), ('simvg_large', dict(width=1024, layers=24), 1092)]
)
def test_every_weight_of_the_released_models_has_its_place(config, sizes, entries):
    shapes = simvg_shapes(**sizes)
    assert len(shapes) == entries
    converted = convert_simvg({name: torch.zeros(()).expand(shape) for name, shape in shapes.items()}, 'det_best.pth')
    with torch.device('meta'):
        model = MODELS.build(read_config(f'{CONFIGS}/_base_/models/{config}.py').model)
    assert {name: value.shape for name, value in converted.items()} == {
        name: value.shape for name, value in model.state_dict().items()
    }
    assert len(shapes) - len(converted) == len(SIMVG_DROPPED)


@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_a_released_checkpoint_is_converted_and_loaded_strictly(tmp_path, official, model_cfg, suffix):
    averaged = {name: value + 1 for name, value in official.items()}
    torch.save(
        dict(
            state_dict={f'module.{name}': value for name, value in official.items()},
            ema_state_dict=averaged,
            epoch=30,
            lr=5e-5,
            best_d_acc=90.5,
            optimizer=dict(state={}, param_groups=[]),
            scheduler=dict(last_epoch=30, base_lrs=[5e-4]),
        ),
        tmp_path / 'det_best.pth',
    )
    for ema, source in ((False, official), (True, averaged)):
        converted, meta = convert_checkpoint(tmp_path / 'det_best.pth', ema=ema)
        save_weights(converted, tmp_path / f'ours{suffix}', meta)
        model = MODELS.build(model_cfg)
        load_weights(model, tmp_path / f'ours{suffix}')
        assert model.head.boxes['token'].classify.weight.equal(source['head.class_embed_token.weight'])
        assert model.neck.query_generator.decoder.post_norm.bias.equal(
            source['head.text_guided_query_generation_transformer.post_norm_layer.bias']
        )
    assert meta['layout'] == 'simvg'
    assert meta['dropped'] == ', '.join(SIMVG_DROPPED)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(add='head.text_guided_query_generation_proj.weight'), r'1 tensors are none of this model: head\.text'),
        (dict(drop='head.mlp.'), r'has no tensors under head\.mlp\.; is the file cut down'),
        (dict(drop='vis_enc.'), r'has no tensors under vis_enc\.beit3\.'),
    ],
)
def test_anything_unexpected_is_an_error(official, change, message):
    state = copy.copy(official)
    if 'add' in change:
        state[change['add']] = torch.zeros(1)
    state = {name: value for name, value in state.items() if not name.startswith(change.get('drop', '?'))}
    with pytest.raises(CheckpointError, match=message):
        convert_simvg(state, 'det_best.pth')


def decode(query, query_pos, memory, memory_pos, layers, w, name):
    """States (Q, C) after each layer of a DETR decoder, normalised."""
    states = []
    for i in range(layers):
        layer = f'{name}.layers.{i}'
        q = query + query_pos
        query = layer_norm(query + attention(q, q, query, w, f'{layer}.attentions.0.attn')[0], w, f'{layer}.norms.0')
        seen, _ = attention(query + query_pos, memory + memory_pos, memory, w, f'{layer}.attentions.1.attn')
        query = layer_norm(query + seen, w, f'{layer}.norms.1')
        query = layer_norm(ffn(query, w, layer), w, f'{layer}.norms.2')
        states.append(layer_norm(query, w, f'{name}.post_norm_layer'))
    return torch.stack(states)


def reference_simvg(image_tokens, text_tokens, sentence, w):
    """Raw outputs for one sample from encoder features (C_e, g, g), (L, C_e) of the real tokens, and (C_e,)."""
    grid = image_tokens.shape[-1]
    image = linear(image_tokens.flatten(1).T, {'p.weight': w['head.input_proj.weight'][..., 0, 0]}, 'p')
    image = image + w['head.input_proj.bias']
    text, token = linear(text_tokens, w, 'head.input_text_proj'), linear(sentence, w, 'head.input_cls_proj')
    table = w['head.query_embed.weight']
    position = torch.tensor([[0.0, 1.0] * (table.shape[1] // 2)] * len(text))
    for p in range(len(text)):
        position[p, :2] = torch.tensor([math.sin(p), math.cos(p)])
    name = 'head.text_guided_query_generation_transformer'
    read = decode(torch.zeros_like(table), table, text, position, 2, w, name)[-1]
    queries = read + text.amax(0) + table
    token = linear(queries + token, w, 'head.mlp.layers.0')
    place = sine_position(grid, table.shape[1])
    states = decode(torch.zeros_like(table), queries, image, place, 3, w, 'head.transformer.decoder')
    return dict(
        token_class_logits=linear(token, w, 'head.class_embed_token')[None],
        token_boxes_cxcywh_norm=mlp(token, w, 'head.bbox_embed_token').sigmoid()[None],
        decoder_class_logits=torch.stack([linear(s, w, 'head.class_embed_decoder') for s in states]),
        decoder_boxes_cxcywh_norm=torch.stack([mlp(s, w, 'head.bbox_embed_decoder').sigmoid() for s in states]),
    )


@pytest.mark.parametrize('branch', ['token', 'decoder'])
@torch.no_grad()
def test_outputs_of_a_converted_model_are_those_of_the_authors_arithmetic(official, model_cfg, branch):
    model = MODELS.build(model_cfg).eval()
    model.head.branch = branch
    model.load_state_dict(convert_simvg(official, 'det_best.pth'))
    torch.manual_seed(2)
    lengths = (6, 3)
    mask = torch.arange(6) < torch.tensor(lengths)[:, None]
    inputs = dict(images=torch.randn(2, 3, 32, 32), input_ids=torch.randint(0, 30, (2, 6)), text_mask=mask)
    outputs = model(inputs, mode='tensor')
    encoded = model.backbone(**inputs)
    for i, length in enumerate(lengths):
        expected = reference_simvg(encoded.images[0][i], encoded.text[i, :length], encoded.sentence[i], official)
        for name, value in outputs.items():
            assert expected[name].abs().max() > 1e-2, f'{name} says nothing'
            torch.testing.assert_close(
                value[:, i], expected[name], rtol=0, atol=1e-4, msg=lambda m, n=name: f'{n}: {m}'
            )
