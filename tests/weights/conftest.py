"""The layout of the released InstanceVG weights, as the authors' repository names and shapes them."""

from pathlib import Path

import pytest
import torch
from released_shapes import beit3_shapes, of_attention, of_batch_norm, of_layer, of_mlp, of_module, of_norm

CONFIGS = Path(__file__).parents[2] / 'configs'


def instancevg_shapes(width=768, layers=12, patches=400, vocab=64010, texts=1024, patch=16, channels=256, queries=10):
    """Names and shapes of a released InstanceVG, aliases and buffers included."""
    c, half, quarter = channels, channels // 2, channels // 4
    shapes = beit3_shapes('vis_enc.beit3.', width, layers, patches, vocab, texts, patch)
    head = {
        **of_module('img_embedding', c, width, 1, 1, bias=False),
        **of_module('lan_embedding', c, width, bias=False),
        **of_module('query_embedding', c, width, bias=False),
        'neck.fpn1.0.weight': (c, half, 2, 2),
        'neck.fpn1.0.bias': (half,),
        **of_norm('neck.fpn1.1', half),
        'neck.fpn1.3.weight': (half, quarter, 2, 2),
        'neck.fpn1.3.bias': (quarter,),
        'neck.fpn2.0.weight': (c, half, 2, 2),
        'neck.fpn2.0.bias': (half,),
        **of_module('seg_branch.predict', 1, c, 1, 1),
        **of_mlp('nt_embed', c, c, c, 2),
        **of_mlp('query_generation.mlp', 2 * c, c, c, c),
        'query_generation.query_embed.weight': (queries, c),
        **of_norm('query_generation.T2I_decoder.post_norm_layer', c),
        **of_module('query_pos_embedding', c, 2),
        **of_module('decoder_transformer.reference_points', 2, c),
        'decoder_transformer.level_embeds': (4, c),
        **of_module('proj_pixel_level_cons.vis', 128, c, 1, 1),
        **of_module('proj_pixel_level_cons.txt', 129, c),
        'detrloss.criterion.empty_weight': (2,),
    }
    for i, inputs in enumerate((quarter, half, c, c)):
        for convs, kernel, wide in (('lateral_convs', 1, inputs), ('fpn_convs', 3, c)):
            head |= of_module(f'neck.{convs}.{i}.conv', c, wide, kernel, kernel, bias=False)
            head |= of_norm(f'neck.{convs}.{i}.norm_layer', c)
    for level in (4, 3, 2):
        for i, wide in ((1, 2 * c), (2, c)):
            head |= of_module(f'unet_decoder.conv{i}_{level}', c, wide, 3, 3, bias=False)
            head |= of_batch_norm(f'unet_decoder.bn{i}_{level}', c)
    for i in range(3):
        head |= of_module(f'class_embed.{i}', 2, c) | of_mlp(f'bbox_embed.{i}', c, c, c, 4)
        layer = f'decoder_transformer.decoder.layers.{i}'
        head |= of_layer(layer, c, 1024)
        deformable = f'{layer}.attentions.1'
        head |= of_module(f'{deformable}.sampling_offsets', 256, c) | of_module(
            f'{deformable}.attention_weights', 128, c
        )
        head |= of_module(f'{deformable}.value_proj', c, c) | of_module(f'{deformable}.output_proj', c, c)
    layer = 'query_generation.T2I_decoder.layers.0'
    head |= of_layer(layer, c, 512) | of_attention(f'{layer}.attentions.1.attn', c)
    return shapes | {f'head.{name}': shape for name, shape in head.items()}


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
