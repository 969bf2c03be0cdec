"""Names and shapes of the released weights of LAVT and MagNet, and what the authors' models compute with them.

Everything is computed for one sample, in plain operations, and BERT, which has the names of transformers, by it.
"""

import math

import torch
import torch.nn.functional as F
from transformers import BertConfig, BertModel

TINY = dict(
    embed=8, depths=(2, 2, 1, 1), heads=(1, 2, 2, 4), window=3, text=12, layers=4, vocab=30, ffn=24, positions=16
)
BASE = dict(
    embed=128,
    depths=(2, 2, 18, 2),
    heads=(4, 8, 16, 32),
    window=12,
    text=768,
    layers=12,
    vocab=30522,
    ffn=3072,
    positions=512,
)
SCALES = (1, 2, 3, 6)


def module(name, *shape, bias=True):
    return {f'{name}.weight': shape, **({f'{name}.bias': shape[:1]} if bias else {})}


def swin_shapes(prefix, sizes):
    """Swin without fusions, and the norms of its four outputs."""
    embed, window = sizes['embed'], sizes['window']
    shapes = module(f'{prefix}patch_embed.proj', embed, 3, 4, 4) | module(f'{prefix}patch_embed.norm', embed)
    for stage, (depth, heads) in enumerate(zip(sizes['depths'], sizes['heads'], strict=True)):
        c, layer = embed * 2**stage, f'{prefix}layers.{stage}'
        for block in (f'{layer}.blocks.{i}' for i in range(depth)):
            shapes |= module(f'{block}.norm1', c) | module(f'{block}.norm2', c)
            shapes[f'{block}.attn.relative_position_bias_table'] = ((2 * window - 1) ** 2, heads)
            shapes[f'{block}.attn.relative_position_index'] = (window**2, window**2)
            shapes |= module(f'{block}.attn.qkv', 3 * c, c) | module(f'{block}.attn.proj', c, c)
            shapes |= module(f'{block}.mlp.fc1', 4 * c, c) | module(f'{block}.mlp.fc2', c, 4 * c)
        if stage < 3:
            shapes |= module(f'{layer}.downsample.reduction', 2 * c, 4 * c, bias=False)
            shapes |= module(f'{layer}.downsample.norm', 4 * c)
        shapes |= module(f'{prefix}norm{stage}', c)
    return shapes


def bert_shapes(prefix, sizes):
    c, shapes = sizes['text'], {f'{prefix}embeddings.position_ids': (1, sizes['positions'])}
    for table, rows in (('word', sizes['vocab']), ('position', sizes['positions']), ('token_type', 2)):
        shapes[f'{prefix}embeddings.{table}_embeddings.weight'] = (rows, c)
    shapes |= module(f'{prefix}embeddings.LayerNorm', c)
    for layer in (f'{prefix}encoder.layer.{i}' for i in range(sizes['layers'])):
        for name in ('self.query', 'self.key', 'self.value', 'output.dense', 'output.LayerNorm'):
            shapes |= module(f'{layer}.attention.{name}', c, *([] if 'Norm' in name else [c]))
        shapes |= module(f'{layer}.intermediate.dense', sizes['ffn'], c)
        shapes |= module(f'{layer}.output.dense', c, sizes['ffn']) | module(f'{layer}.output.LayerNorm', c)
    return shapes


def attention_shapes(name, c, text, linear=False):
    """The pixel-word attention module; with linear layers and norms where MagNet has them."""
    shapes = {}
    for part, inputs in (('vis_project.0', c), ('image_lang_att.f_key.0', text), ('image_lang_att.f_value.0', text)):
        shapes |= module(f'{name}.{part}', c, inputs, 1)
    for part in ('f_query', 'W'):
        shapes |= module(f'{name}.image_lang_att.{part}.0', c, c, *([] if linear else [1]))
        if linear:
            shapes |= module(f'{name}.image_lang_att.{part}.1', c)
    return shapes | module(f'{name}.project_mm.0', c, c, 1)


def gate_shapes(name, c):
    return {f'{name}.{layer}.weight': (c, c) for layer in (0, 2)}


def lavt_shapes(sizes):
    """A model of ``lavt_one``; that of ``lavt`` keeps what is below ``text_encoder.`` apart."""
    shapes = swin_shapes('backbone.', sizes) | bert_shapes('text_encoder.', sizes)
    for stage in range(4):
        layer, c = f'backbone.layers.{stage}', sizes['embed'] * 2**stage
        shapes |= attention_shapes(f'{layer}.fusion', c, sizes['text']) | gate_shapes(f'{layer}.res_gate', c)
    wide = 4 * sizes['embed']
    for level in (4, 3, 2):
        joined = (2 * wide if level == 4 else wide) + sizes['embed'] * 2 ** (level - 2)
        for i, inputs in ((1, joined), (2, wide)):
            shapes |= module(f'classifier.conv{i}_{level}', wide, inputs, 3, 3, bias=False)
            norm = f'classifier.bn{i}_{level}'
            shapes |= module(norm, wide) | {f'{norm}.running_mean': (wide,), f'{norm}.running_var': (wide,)}
            shapes[f'{norm}.num_batches_tracked'] = ()
    return shapes | module('classifier.conv1_1', 2, wide, 1, 1)


def magnet_shapes(sizes, channels=256, encoder_ffn=1024, decoder_ffn=2048, points=4):
    shapes = swin_shapes('image_model.', sizes) | bert_shapes('language_model.', sizes)
    text = sizes['text']
    for stage in range(4):
        layer, c = f'image_model.layers.{stage}', sizes['embed'] * 2**stage
        shapes |= attention_shapes(f'{layer}.fusion', c, text, linear=True) | gate_shapes(f'{layer}.res_gate', c)
        for i in range(len(SCALES)):
            shapes |= attention_shapes(f'{layer}.fusions.{i}', c // 4, text, linear=True)
            pyramid = f'{layer}.pyramids.{i}'
            shapes |= {f'{pyramid}.1.weight': (4 * c, c, 1, 1), f'{pyramid}.3.weight': (c, 4 * c, 1, 1)}
            shapes |= module(f'{pyramid}.2', 4 * c) | {f'{pyramid}.5.weight': (c // 4, c, 1, 1)}
        shapes |= (
            module(f'{layer}.mixer.0', c, 2 * c) | module(f'{layer}.mixer.1', c) | module(f'{layer}.mixer.2', c, c)
        )
        words = f'language_model.pwams.{stage}'
        shapes |= module(f'{words}.vis_project.0', text, text) | module(f'{words}.project_mm.0', text, text, 1)
        for part, inputs in (('f_query', text), ('f_key', c), ('f_value', c), ('W', text)):
            shapes |= module(f'{words}.image_lang_att.{part}.0', text, inputs, 1)
        shapes |= gate_shapes(f'language_model.res_gates.{stage}', text)
        shapes |= module(f'language_model.norms.{stage}', text)
    return (
        shapes | module('lang_proj', 256, text) | _mask2former_shapes(sizes, channels, encoder_ffn, decoder_ffn, points)
    )


def _mask2former_shapes(sizes, c, encoder_ffn, decoder_ffn, points):
    decoder, predictor = 'classifier.pixel_decoder', 'classifier.predictor'
    shapes = {f'{decoder}.transformer.level_embed': (4, c)} | module(f'{decoder}.mask_features', c, c, 1, 1)
    for i in range(4):
        shapes |= module(f'{decoder}.input_proj.{i}.0', c, sizes['embed'] * 2 ** (3 - i), 1, 1)
        shapes |= module(f'{decoder}.input_proj.{i}.1', c)
        layer = f'{decoder}.transformer.encoder.layers.{i}'
        for name, out in (('sampling_offsets', 8 * 4 * points * 2), ('attention_weights', 8 * 4 * points)):
            shapes |= module(f'{layer}.self_attn.{name}', out, c)
        shapes |= module(f'{layer}.self_attn.value_proj', c, c) | module(f'{layer}.self_attn.output_proj', c, c)
        shapes |= module(f'{layer}.linear1', encoder_ffn, c) | module(f'{layer}.linear2', c, encoder_ffn)
        shapes |= module(f'{layer}.norm1', c) | module(f'{layer}.norm2', c)
    for i in range(9):
        for kind, name in (('cross', 'multihead_attn'), ('self', 'self_attn')):
            layer = f'{predictor}.transformer_{kind}_attention_layers.{i}'
            shapes |= {f'{layer}.{name}.in_proj_weight': (3 * c, c), f'{layer}.{name}.in_proj_bias': (3 * c,)}
            shapes |= module(f'{layer}.{name}.out_proj', c, c) | module(f'{layer}.norm', c)
        layer = f'{predictor}.transformer_ffn_layers.{i}'
        shapes |= module(f'{layer}.linear1', decoder_ffn, c) | module(f'{layer}.linear2', c, decoder_ffn)
        shapes |= module(f'{layer}.norm', c)
    for name, rows in (('query_feat', 1), ('query_embed', 1), ('level_embed', 3)):
        shapes[f'{predictor}.{name}.weight'] = (rows, c)
    for i in range(3):
        shapes |= module(f'{predictor}.mask_embed.layers.{i}', c, c)
    return shapes | module(f'{predictor}.decoder_norm', c) | module(f'{predictor}.class_embed', 2, c)


def position_index(window):
    """Row of the table of relative positions for every pair of cells of a window."""
    cells = [(y, x) for y in range(window) for x in range(window)]
    wide = 2 * window - 1
    return torch.tensor([[(a - c + window - 1) * wide + b - d + window - 1 for c, d in cells] for a, b in cells])


def random_weights(shapes, sizes, seed=0):
    """Draw weights; norms are near 1, gates of the text are zero as in the released file."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in shapes.items():
        value = torch.randn(shape, generator=generator)
        if name.endswith('num_batches_tracked'):
            value = torch.tensor(7)
        elif name.endswith('relative_position_index'):
            value = position_index(sizes['window'])
        elif name.endswith('position_ids'):
            value = torch.arange(shape[1])[None]
        elif name.endswith('running_var'):
            value = 0.5 + value.abs()
        elif name.startswith('language_model.res_gates.'):
            value = torch.zeros(shape)
        elif name.endswith('.weight') and len(shape) == 1:
            value = 1 + 0.2 * value
        elif len(shape) < 2 or 'embed' in name:
            value = 0.3 * value
        else:
            value = value / math.prod(shape[1:]) ** 0.5
        state[name] = value
    return state


def linear(x, w, name):
    y = x @ w[f'{name}.weight'].flatten(1).T
    return y + w[f'{name}.bias'] if f'{name}.bias' in w else y


def norm(x, w, name, eps=1e-5):
    x = (x - x.mean(-1, keepdim=True)) / (x.var(-1, unbiased=False, keepdim=True) + eps).sqrt()
    return x * w[f'{name}.weight'] + w[f'{name}.bias']


def swin_block(x, w, name, heads, window, shift):
    """A block on (h, w, C): windows of a canvas that is enlarged to whole windows and moved by ``shift``."""
    height, width, c = x.shape
    tall, wide = (math.ceil(side / window) * window for side in (height, width))
    canvas = F.pad(norm(x, w, f'{name}.norm1'), (0, 0, 0, wide - width, 0, tall - height))
    canvas = canvas.roll((-shift, -shift), (0, 1))
    zone = [
        torch.tensor([(i >= side - window) + (shift > 0) * (i >= side - shift) for i in range(side)])
        for side in (tall, wide)
    ]
    zones = zone[0][:, None] * 3 + zone[1][None]
    out = torch.empty_like(canvas)
    for top in range(0, tall, window):
        for left in range(0, wide, window):
            part = slice(top, top + window), slice(left, left + window)
            q, k, v = linear(canvas[part].flatten(0, 1), w, f'{name}.attn.qkv').view(-1, 3, heads, c // heads).unbind(1)
            scores = torch.einsum('qhc,khc->hqk', q, k) / (c // heads) ** 0.5
            scores = scores + w[f'{name}.attn.relative_position_bias_table'][position_index(window)].permute(2, 0, 1)
            if shift:
                apart = zones[part].flatten()[:, None] != zones[part].flatten()
                scores = scores - 100.0 * apart
            seen = torch.einsum('hqk,khc->qhc', scores.softmax(-1), v).flatten(1)
            out[part] = linear(seen, w, f'{name}.attn.proj').view(window, window, c)
    x = x + out.roll((shift, shift), (0, 1))[:height, :width]
    return x + linear(F.gelu(linear(norm(x, w, f'{name}.norm2'), w, f'{name}.mlp.fc1')), w, f'{name}.mlp.fc2')


def merge(x, w, name):
    x = F.pad(x, (0, 0, 0, x.shape[1] % 2, 0, x.shape[0] % 2))
    x = torch.cat([x[0::2, 0::2], x[1::2, 0::2], x[0::2, 1::2], x[1::2, 1::2]], -1)
    return linear(norm(x, w, f'{name}.norm'), w, f'{name}.reduction')


def patches(image, w, prefix):
    x = F.conv2d(image[None], w[f'{prefix}patch_embed.proj.weight'], w[f'{prefix}patch_embed.proj.bias'], stride=4)
    return norm(x[0].permute(1, 2, 0), w, f'{prefix}patch_embed.norm')


def blocks(x, w, prefix, stage, sizes):
    for i in range(sizes['depths'][stage]):
        shift = sizes['window'] // 2 if i % 2 else 0
        x = swin_block(x, w, f'{prefix}layers.{stage}.blocks.{i}', sizes['heads'][stage], sizes['window'], shift)
    return x


def text_states(input_ids, length, w, prefix, sizes):
    """States (L, C) before BERT's layers and after each, of a text with ``length`` real tokens."""
    config = BertConfig(
        vocab_size=sizes['vocab'],
        hidden_size=sizes['text'],
        num_hidden_layers=sizes['layers'],
        num_attention_heads=2,
        intermediate_size=sizes['ffn'],
        max_position_embeddings=sizes['positions'],
    )
    bert = BertModel(config, add_pooling_layer=False).eval()
    own = {name.removeprefix(prefix): value for name, value in w.items() if name.startswith(prefix)}
    bert.load_state_dict({name: own[name] for name in bert.state_dict()})
    mask = (torch.arange(len(input_ids)) < length).long()
    return [x[0] for x in bert(input_ids[None], mask[None], output_hidden_states=True).hidden_states]


def pixel_words(pixels, words, w, name, heads=1):
    """The attention of pixels (M, C) to real words (L, C_l); instance norm where the norms have no weights."""

    def normed(x, part):
        if f'{name}.image_lang_att.{part}.1.weight' in w:
            return norm(x, w, f'{name}.image_lang_att.{part}.1')
        return (x - x.mean(0)) / (x.var(0, unbiased=False) + 1e-5).sqrt()

    query = normed(linear(pixels, w, f'{name}.image_lang_att.f_query.0'), 'f_query')
    key, value = (linear(words, w, f'{name}.image_lang_att.{part}.0') for part in ('f_key', 'f_value'))
    parts = [x.view(len(x), heads, -1) for x in (query, key, value)]
    weights = (torch.einsum('mhc,lhc->hml', *parts[:2]) / query.shape[1] ** 0.5).softmax(-1)
    gathered = torch.einsum('hml,lhc->mhc', weights, parts[2]).flatten(1)
    gathered = normed(linear(gathered, w, f'{name}.image_lang_att.W.0'), 'W')
    return F.gelu(linear(F.gelu(linear(pixels, w, f'{name}.vis_project.0')) * gathered, w, f'{name}.project_mm.0'))


def gated(x, w, name, activation):
    return linear(activation(linear(x, w, f'{name}.0')), w, f'{name}.2').tanh() * x


def enlarge(x, size):
    return F.interpolate(x[None], size=tuple(size), mode='bilinear', align_corners=True)[0]


def lavt_logits(image, input_ids, length, w, sizes, heads=(1, 1, 1, 1)):
    """Two logits (2, H, W) of every pixel of ``image`` (3, H, W)."""
    words = text_states(input_ids, length, w, 'text_encoder.', sizes)[-1][:length]
    x, maps = patches(image, w, 'backbone.'), []
    for stage in range(4):
        x = blocks(x, w, 'backbone.', stage, sizes)
        layer = f'backbone.layers.{stage}'
        fused = pixel_words(x.flatten(0, 1), words, w, f'{layer}.fusion', heads[stage]).view(x.shape)
        maps.append(norm(fused, w, f'backbone.norm{stage}').permute(2, 0, 1))
        if stage < 3:
            x = merge(x + gated(fused, w, f'{layer}.res_gate', F.relu), w, f'{layer}.downsample')
    y = maps[3]
    for level in (4, 3, 2):
        y = torch.cat([enlarge(y, maps[level - 2].shape[1:]), maps[level - 2]])
        for i in (1, 2):
            y = F.conv2d(y[None], w[f'classifier.conv{i}_{level}.weight'], padding=1)
            kept = [w[f'classifier.bn{i}_{level}.{key}'] for key in ('running_mean', 'running_var', 'weight', 'bias')]
            y = F.batch_norm(y, *kept)[0].relu()
    y = F.conv2d(y[None], w['classifier.conv1_1.weight'], w['classifier.conv1_1.bias'])[0]
    return enlarge(y, image.shape[1:])


def magnet_logits(image, input_ids, length, w, sizes, channels):
    """Mask logits (H, W) of the one query; the text side of the fusion is closed and left out."""
    states = text_states(input_ids, length, w, 'language_model.', sizes)
    x, maps = patches(image, w, 'image_model.'), []
    for stage in range(4):
        x = blocks(x, w, 'image_model.', stage, sizes)
        layer, words = f'image_model.layers.{stage}', states[(stage + 1) * sizes['layers'] // 4][:length]
        gathered = []
        for i, k in enumerate(SCALES):
            pyramid = f'{layer}.pyramids.{i}'
            cells = F.adaptive_avg_pool2d(x.permute(2, 0, 1), k).flatten(1).T
            cells = norm(linear(cells, w, f'{pyramid}.1'), w, f'{pyramid}.2', eps=1e-6)
            cells = linear(F.gelu(linear(cells, w, f'{pyramid}.3')), w, f'{pyramid}.5')
            cells = pixel_words(cells, words, w, f'{layer}.fusions.{i}')
            gathered.append(enlarge(cells.T.reshape(-1, k, k), x.shape[:2]).permute(1, 2, 0))
        full = pixel_words(x.flatten(0, 1), words, w, f'{layer}.fusion').view(x.shape)
        mixed = norm(linear(torch.cat([*gathered, full], -1), w, f'{layer}.mixer.0'), w, f'{layer}.mixer.1')
        maps.append(F.gelu(linear(mixed, w, f'{layer}.mixer.2')).permute(2, 0, 1))
        if stage < 3:
            x = merge(x + gated(full, w, f'{layer}.res_gate', F.gelu), w, f'{layer}.downsample')
    pixels, coarse = _decode_pixels(maps, w, channels)
    return enlarge(_decode_query(pixels, coarse, w, channels)[None], image.shape[1:])[0]


def sine_positions(height, width, channels):
    """DETR's positions (h*w, C): the y half, then the x half, from normalised coordinates."""
    half, rows = channels // 2, []
    frequency = 10000 ** (2 * torch.div(torch.arange(half), 2, rounding_mode='floor') / half)
    for i in range(height):
        for j in range(width):
            angles = [2 * math.pi * (n + 1) / (count + 1e-6) / frequency for n, count in ((i, height), (j, width))]
            rows.append(torch.cat([torch.stack([a[0::2].sin(), a[1::2].cos()], 1).flatten() for a in angles]))
    return torch.stack(rows)


def _decode_pixels(maps, w, c):
    """Mask features (C, h, w) and the three coarsest maps, coarsest first."""
    name = 'classifier.pixel_decoder'
    merged = attend_among_cells(maps[::-1], w, name, c, layers=4)
    return linear(merged[-1].permute(1, 2, 0), w, f'{name}.mask_features').permute(2, 0, 1), merged[:3]


def attend_among_cells(maps, w, name, c, layers, heads=8, points=4):
    """What a deformable pixel decoder makes of ``maps``, coarsest first: (C, h, w) each."""
    cells, places, positions, sizes = [], [], [], []
    for i, x in enumerate(maps):
        height, width = x.shape[1:]
        y = F.conv2d(x[None], w[f'{name}.input_proj.{i}.0.weight'], w[f'{name}.input_proj.{i}.0.bias'])
        cells.append(group_norm(y, w, f'{name}.input_proj.{i}.1')[0].flatten(1).T)
        positions.append(sine_positions(height, width, c) + w[f'{name}.transformer.level_embed'][i])
        places += [((b + 0.5) / width, (a + 0.5) / height) for a in range(height) for b in range(width)]
        sizes.append((height, width))
    counts, levels = [a * b for a, b in sizes], len(sizes)
    cells, positions, places = torch.cat(cells), torch.cat(positions), torch.tensor(places)
    for i in range(layers):
        layer = f'{name}.transformer.encoder.layers.{i}'
        asked = cells + positions
        value = linear(cells, w, f'{layer}.self_attn.value_proj').split(counts)
        offsets = linear(asked, w, f'{layer}.self_attn.sampling_offsets').view(-1, heads, levels, points, 2)
        weights = linear(asked, w, f'{layer}.self_attn.attention_weights').view(-1, heads, levels * points)
        weights = weights.softmax(-1).view(-1, heads, levels, points)
        seen = torch.zeros(len(cells), heads, c // heads)
        for level, (height, width) in enumerate(sizes):
            for h in range(heads):
                grid = value[level].view(height, width, heads, -1)[:, :, h].permute(2, 0, 1)[None]
                where = places[:, None] + offsets[:, h, level] / torch.tensor([width, height])
                taken = F.grid_sample(grid, 2 * where[None] - 1, align_corners=False)[0]  # (C / heads, M, P)
                seen[:, h] += (taken * weights[:, h, level]).sum(-1).T
        cells = norm(cells + linear(seen.flatten(1), w, f'{layer}.self_attn.output_proj'), w, f'{layer}.norm1')
        hidden = linear(cells, w, f'{layer}.linear1').relu()
        cells = norm(cells + linear(hidden, w, f'{layer}.linear2'), w, f'{layer}.norm2')
    return [x.T.reshape(-1, *size) for x, size in zip(cells.split(counts), sizes, strict=True)]


def group_norm(x, w, name):
    return F.group_norm(x, 32, w[f'{name}.weight'], w[f'{name}.bias'])


def attend(query, key, value, w, name, closed=None, heads=8):
    c = query.shape[1]
    matrices, biases = w[f'{name}.in_proj_weight'].split(c), w[f'{name}.in_proj_bias'].split(c)
    q, k, v = (x @ m.T + b for x, m, b in zip((query, key, value), matrices, biases, strict=True))
    q, k, v = (x.view(len(x), heads, -1) for x in (q, k, v))
    scores = torch.einsum('qhc,khc->hqk', q, k) / (c // heads) ** 0.5
    if closed is not None:
        scores = scores.masked_fill(closed, -math.inf)
    return linear(torch.einsum('hqk,khc->qhc', scores.softmax(-1), v).flatten(1), w, f'{name}.out_proj')


def _decode_query(pixels, coarse, w, c):
    """Mask logits (h, w); the class of the one query is always 1, for the softmax runs over queries."""
    name = 'classifier.predictor'

    def mask(query):
        y = norm(query, w, f'{name}.decoder_norm')
        for i in range(3):
            y = linear(y, w, f'{name}.mask_embed.layers.{i}')
            y = y if i == 2 else y.relu()
        return torch.einsum('qc,chw->qhw', y, pixels)

    query, position = w[f'{name}.query_feat.weight'], w[f'{name}.query_embed.weight']
    for i in range(9):
        x = coarse[i % 3]
        keys = x.flatten(1).T + w[f'{name}.level_embed.weight'][i % 3]
        closed = F.interpolate(mask(query)[None], x.shape[1:], mode='bilinear', align_corners=False)[0].flatten(1) < 0
        closed = None if closed.all() else closed
        layer = f'{name}.transformer_cross_attention_layers.{i}'
        at = keys + sine_positions(*x.shape[1:], c)
        query = norm(
            query + attend(query + position, at, keys, w, f'{layer}.multihead_attn', closed), w, f'{layer}.norm'
        )
        layer = f'{name}.transformer_self_attention_layers.{i}'
        asked = query + position
        query = norm(query + attend(asked, asked, query, w, f'{layer}.self_attn'), w, f'{layer}.norm')
        layer = f'{name}.transformer_ffn_layers.{i}'
        hidden = linear(query, w, f'{layer}.linear1').relu()
        query = norm(query + linear(hidden, w, f'{layer}.linear2'), w, f'{layer}.norm')
    return mask(query)[0]
