"""The layout of the released InstanceVG weights, as the authors' repository names and shapes them."""

from itertools import pairwise
from pathlib import Path

import pytest
import torch

CONFIGS = Path(__file__).parents[2] / 'configs'


def _module(name, *shape, bias=True):
    return {f'{name}.weight': shape, **({f'{name}.bias': shape[:1]} if bias else {})}


def _norm(name, width):
    return _module(name, width)


def _attention(name, width):
    shapes = {f'{name}.in_proj_weight': (3 * width, width), f'{name}.in_proj_bias': (3 * width,)}
    return shapes | _module(f'{name}.out_proj', width, width)


def _mlp(name, *widths):
    pairs = enumerate(pairwise(widths))
    return {k: v for i, (a, b) in pairs for k, v in _module(f'{name}.layers.{i}', b, a).items()}


def _batch_norm(name, width):
    buffers = {f'{name}.running_mean': (width,), f'{name}.running_var': (width,), f'{name}.num_batches_tracked': ()}
    return _norm(name, width) | buffers


def beit3_shapes(prefix, width, layers, patches, vocab, texts, patch):
    """Names and shapes of the encoder with ``patches`` image positions."""
    shapes = {
        'text_embed.weight': (vocab, width),
        'vision_embed.cls_token': (1, 1, width),
        'vision_embed.mask_token': (1, 1, width),
        **_module('vision_embed.proj', width, 3, patch, patch),
        'encoder.embed_positions.A.weight': (patches + 3, width),
        'encoder.embed_positions.B.weight': (texts, width),
    }
    for way in 'AB':
        for i in range(layers):
            layer = f'encoder.layers.{i}'
            for norm in ('self_attn_layer_norm', 'self_attn.inner_attn_ln', 'final_layer_norm'):
                shapes |= _norm(f'{layer}.{norm}.{way}', width)
            for projection in ('q_proj', 'k_proj', 'v_proj', 'out_proj'):
                shapes |= _module(f'{layer}.self_attn.{projection}.{way}', width, width)
            shapes |= _module(f'{layer}.ffn.{way}.fc1', 4 * width, width)
            shapes |= _norm(f'{layer}.ffn.{way}.ffn_layernorm', 4 * width)
            shapes |= _module(f'{layer}.ffn.{way}.fc2', width, 4 * width)
        shapes |= _norm(f'encoder.layer_norm.{way}', width)
    return {f'{prefix}{name}': shape for name, shape in shapes.items()}


def instancevg_shapes(width=768, layers=12, patches=400, vocab=64010, texts=1024, patch=16, channels=256, queries=10):
    """Names and shapes of a released InstanceVG, aliases and buffers included."""
    c, half, quarter = channels, channels // 2, channels // 4
    shapes = beit3_shapes('vis_enc.beit3.', width, layers, patches, vocab, texts, patch)
    head = {
        **_module('img_embedding', c, width, 1, 1, bias=False),
        **_module('lan_embedding', c, width, bias=False),
        **_module('query_embedding', c, width, bias=False),
        'neck.fpn1.0.weight': (c, half, 2, 2),
        'neck.fpn1.0.bias': (half,),
        **_norm('neck.fpn1.1', half),
        'neck.fpn1.3.weight': (half, quarter, 2, 2),
        'neck.fpn1.3.bias': (quarter,),
        'neck.fpn2.0.weight': (c, half, 2, 2),
        'neck.fpn2.0.bias': (half,),
        **_module('seg_branch.predict', 1, c, 1, 1),
        **_mlp('nt_embed', c, c, c, 2),
        **_mlp('query_generation.mlp', 2 * c, c, c, c),
        'query_generation.query_embed.weight': (queries, c),
        **_norm('query_generation.T2I_decoder.post_norm_layer', c),
        **_module('query_pos_embedding', c, 2),
        **_module('decoder_transformer.reference_points', 2, c),
        'decoder_transformer.level_embeds': (4, c),
        **_module('proj_pixel_level_cons.vis', 128, c, 1, 1),
        **_module('proj_pixel_level_cons.txt', 129, c),
        'detrloss.criterion.empty_weight': (2,),
    }
    for i, inputs in enumerate((quarter, half, c, c)):
        for convs, kernel, wide in (('lateral_convs', 1, inputs), ('fpn_convs', 3, c)):
            head |= _module(f'neck.{convs}.{i}.conv', c, wide, kernel, kernel, bias=False)
            head |= _norm(f'neck.{convs}.{i}.norm_layer', c)
    for level in (4, 3, 2):
        for i, wide in ((1, 2 * c), (2, c)):
            head |= _module(f'unet_decoder.conv{i}_{level}', c, wide, 3, 3, bias=False)
            head |= _batch_norm(f'unet_decoder.bn{i}_{level}', c)
    for i in range(3):
        head |= _module(f'class_embed.{i}', 2, c) | _mlp(f'bbox_embed.{i}', c, c, c, 4)
        layer = f'decoder_transformer.decoder.layers.{i}'
        head |= _layer(layer, c, 1024)
        deformable = f'{layer}.attentions.1'
        head |= _module(f'{deformable}.sampling_offsets', 256, c) | _module(f'{deformable}.attention_weights', 128, c)
        head |= _module(f'{deformable}.value_proj', c, c) | _module(f'{deformable}.output_proj', c, c)
    layer = 'query_generation.T2I_decoder.layers.0'
    head |= _layer(layer, c, 512) | _attention(f'{layer}.attentions.1.attn', c)
    return shapes | {f'head.{name}': shape for name, shape in head.items()}


def _layer(name, width, hidden):
    shapes = _attention(f'{name}.attentions.0.attn', width)
    shapes |= _module(f'{name}.ffns.0.layers.0.0', hidden, width) | _module(f'{name}.ffns.0.layers.1', width, hidden)
    for i in range(3):
        shapes |= _norm(f'{name}.norms.{i}', width)
    return shapes


TINY_SHAPES = dict(width=16, layers=2, patches=16, vocab=30, texts=12, patch=8, channels=32, queries=3)


@pytest.fixture
def official_shapes():
    """Names and shapes for given sizes; those of the base model at 320 pixels by default."""
    return instancevg_shapes


@pytest.fixture
def tiny_official():
    """Random weights of a tiny InstanceVG under the authors' names, aliases equal."""
    generator = torch.Generator().manual_seed(0)
    state = {}
    for name, shape in instancevg_shapes(**TINY_SHAPES).items():
        if name.endswith('num_batches_tracked'):
            state[name] = torch.tensor(7)
        elif name.endswith('running_var'):
            state[name] = torch.rand(shape, generator=generator) + 0.5
        elif 'norm' in name.rsplit('.', 2)[-2] + name.rsplit('.', 3)[-3] and name.endswith('.weight'):
            state[name] = 1 + 0.2 * torch.randn(shape, generator=generator)
        else:
            state[name] = torch.randn(shape, generator=generator) * (0.3 if len(shape) == 1 else shape[0] ** -0.5)
    for name in state:
        for alias in ('class_embed', 'bbox_embed'):
            if name.startswith(f'head.{alias}.'):
                state[name] = state[f'head.{alias}.0.{name.split(".", 3)[3]}'].clone()
    return state
