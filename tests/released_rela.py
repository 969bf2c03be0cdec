"""Names and shapes of the released weights of ReLA, and what the authors' model computes with them, for one sample."""

import torch
import torch.nn.functional as F
from released_lavt import (
    attend,
    attend_among_cells,
    attention_shapes,
    bert_shapes,
    blocks,
    gate_shapes,
    gated,
    group_norm,
    linear,
    merge,
    module,
    norm,
    patches,
    pixel_words,
    sine_positions,
    swin_shapes,
    text_states,
)

PIXELS, PREDICTOR = 'sem_seg_head.pixel_decoder', 'sem_seg_head.predictor'
HEADS, POINTS, LEVELS, LAYERS, DECODER_LAYERS = 8, 4, 3, 6, 9


def rela_shapes(sizes, channels=256, encoder_ffn=1024, decoder_ffn=2048, regions=100):
    shapes = swin_shapes('backbone.', sizes) | bert_shapes('text_encoder.', sizes)
    for stage in range(4):
        layer, c = f'backbone.layers.{stage}', sizes['embed'] * 2**stage
        shapes |= attention_shapes(f'{layer}.fusion', c, sizes['text'])
        if stage < 3:
            shapes |= gate_shapes(f'{layer}.res_gate', c)
    return shapes | _pixel_shapes(sizes, channels, encoder_ffn) | _region_shapes(sizes, channels, decoder_ffn, regions)


def _pixel_shapes(sizes, c, ffn):
    shapes = {f'{PIXELS}.transformer.level_embed': (LEVELS, c)} | module(f'{PIXELS}.mask_features', c, c, 1, 1)
    for i in range(LEVELS):
        shapes |= module(f'{PIXELS}.input_proj.{i}.0', c, sizes['embed'] * 2 ** (3 - i), 1, 1)
        shapes |= module(f'{PIXELS}.input_proj.{i}.1', c)
    for layer in (f'{PIXELS}.transformer.encoder.layers.{i}' for i in range(LAYERS)):
        for name, out in (
            ('sampling_offsets', 2 * HEADS * LEVELS * POINTS),
            ('attention_weights', HEADS * LEVELS * POINTS),
        ):
            shapes |= module(f'{layer}.self_attn.{name}', out, c)
        shapes |= module(f'{layer}.self_attn.value_proj', c, c) | module(f'{layer}.self_attn.output_proj', c, c)
        shapes |= module(f'{layer}.linear1', ffn, c) | module(f'{layer}.linear2', c, ffn)
        shapes |= module(f'{layer}.norm1', c) | module(f'{layer}.norm2', c)
    shapes |= module(f'{PIXELS}.adapter_1', c, sizes['embed'], 1, 1, bias=False) | module(f'{PIXELS}.adapter_1.norm', c)
    return shapes | module(f'{PIXELS}.layer_1', c, c, 3, 3, bias=False) | module(f'{PIXELS}.layer_1.norm', c)


def _attention_shapes(name, c):
    shapes = {f'{name}.in_proj_weight': (3 * c, c), f'{name}.in_proj_bias': (3 * c,)}
    return shapes | module(f'{name}.out_proj', c, c)


def _region_shapes(sizes, c, ffn, regions):
    shapes = {}
    for i in range(DECODER_LAYERS):
        for kind, name in (('RIA_layers', 'multihead_attn'), ('RLA_vision', 'self_attn')):
            shapes |= _attention_shapes(f'{PREDICTOR}.{kind}.{i}.{name}', c) | module(f'{PREDICTOR}.{kind}.{i}.norm', c)
        layer = f'{PREDICTOR}.transformer_ffn_layers.{i}'
        shapes |= module(f'{layer}.linear1', ffn, c) | module(f'{layer}.linear2', c, ffn) | module(f'{layer}.norm', c)
    for name, rows in (('query_feat', regions), ('query_embed', regions), ('level_embed', LEVELS)):
        shapes[f'{PREDICTOR}.{name}.weight'] = (rows, c)
    shapes |= {f'{PREDICTOR}.lang_proj.weight': (c, sizes['text']), f'{PREDICTOR}.lang_weight': ()}
    shapes |= _attention_shapes(f'{PREDICTOR}.RLA_lang_att.multihead_attn', c)
    shapes |= module(f'{PREDICTOR}.RLA_lang_att.norm', c) | module(f'{PREDICTOR}.decoder_norm', c)
    for i in range(3):
        shapes |= module(f'{PREDICTOR}.mask_embed.layers.{i}', c, c)
    shapes |= module(f'{PREDICTOR}.nt_embed.layers.0', c, c) | module(f'{PREDICTOR}.nt_embed.layers.1', 2, c)
    return shapes | module(f'{PREDICTOR}.minimap_embed', 2, c)


def rela_outputs(image, input_ids, length, w, sizes, channels):
    """Two mask logits (2, h, w), minimap logits (P*P, 2) and no-target logits (2,) of a text with ``length`` tokens."""
    words = text_states(input_ids, length, w, 'text_encoder.', sizes)[-1]
    x, maps = patches(image, w, 'backbone.'), []
    for stage in range(4):
        x = blocks(x, w, 'backbone.', stage, sizes)
        layer = f'backbone.layers.{stage}'
        fused = pixel_words(x.flatten(0, 1), words[:length], w, f'{layer}.fusion').view(x.shape)
        maps.append(norm(fused, w, f'backbone.norm{stage}').permute(2, 0, 1))
        if stage < 3:
            x = merge(x + gated(fused, w, f'{layer}.res_gate', F.relu), w, f'{layer}.downsample')
    pixels, coarse = _decode_pixels(maps, w, channels)
    return _decode_regions(pixels, coarse, words, w, channels)


def _decode_pixels(maps, w, c):
    """Mask features (C, h, w) of the finest map, and the three coarser maps, coarsest first."""
    merged = attend_among_cells(maps[:0:-1], w, PIXELS, c, LAYERS)
    finest = group_norm(F.conv2d(maps[0][None], w[f'{PIXELS}.adapter_1.weight']), w, f'{PIXELS}.adapter_1.norm')
    finest = finest + F.interpolate(merged[-1][None], finest.shape[2:], mode='bilinear', align_corners=False)
    finest = F.conv2d(finest, w[f'{PIXELS}.layer_1.weight'], padding=1)
    finest = group_norm(finest, w, f'{PIXELS}.layer_1.norm').relu()
    return linear(finest[0].permute(1, 2, 0), w, f'{PIXELS}.mask_features').permute(2, 0, 1), merged


def _mlp(x, w, name, layers):
    for i in range(layers):
        x = linear(x, w, f'{name}.layers.{i}')
        x = x if i == layers - 1 else x.relu()
    return x


def _decode_regions(pixels, coarse, words, w, c):
    def masks(regions):
        filters = _mlp(norm(regions, w, f'{PREDICTOR}.decoder_norm'), w, f'{PREDICTOR}.mask_embed', 3)
        return torch.einsum('qc,chw->qhw', filters, pixels)

    regions, position = w[f'{PREDICTOR}.query_feat.weight'], w[f'{PREDICTOR}.query_embed.weight']
    for i in range(DECODER_LAYERS):
        x = coarse[i % LEVELS]
        keys = x.flatten(1).T + w[f'{PREDICTOR}.level_embed.weight'][i % LEVELS]
        closed = (
            F.interpolate(masks(regions)[None], x.shape[1:], mode='bilinear', align_corners=False)[0].flatten(1) < 0
        )
        closed[closed.all(1)] = False
        at, asked = keys + sine_positions(*x.shape[1:], c), regions + position
        seen = attend(asked, at, keys, w, f'{PREDICTOR}.RIA_layers.{i}.multihead_attn', closed)
        regions = norm(regions + seen, w, f'{PREDICTOR}.RIA_layers.{i}.norm')
        if i == 0:
            said = linear(words, w, f'{PREDICTOR}.lang_proj')  # of padding too
            read = regions + attend(regions, said, said, w, f'{PREDICTOR}.RLA_lang_att.multihead_attn')
            read = norm(read, w, f'{PREDICTOR}.RLA_lang_att.norm') * w[f'{PREDICTOR}.lang_weight'].sigmoid()
            regions = regions + 0.1 * read
        asked = regions + position
        seen = attend(asked, asked, regions, w, f'{PREDICTOR}.RLA_vision.{i}.self_attn')
        regions = norm(regions + seen, w, f'{PREDICTOR}.RLA_vision.{i}.norm')
        layer = f'{PREDICTOR}.transformer_ffn_layers.{i}'
        hidden = linear(regions, w, f'{layer}.linear1').relu()
        regions = norm(regions + linear(hidden, w, f'{layer}.linear2'), w, f'{layer}.norm')
    drawn, regions = masks(regions), norm(regions, w, f'{PREDICTOR}.decoder_norm')
    minimap = linear(regions, w, f'{PREDICTOR}.minimap_embed')
    return torch.einsum('qa,qhw->ahw', minimap, drawn), minimap, _mlp(regions, w, f'{PREDICTOR}.nt_embed', 2).mean(0)
