"""A converted InstanceVG answers what the authors' arithmetic gives with the weights under their own names.

Everything behind the encoder is computed here once more for one sample, in plain operations. (The encoder has such a
test of its own.)
"""

import math

import pytest
import torch
import torch.nn.functional as F
from plain_arithmetic import HEADS, attention, ffn, layer_norm, linear, mlp, sine_position

from mmvg.registry import MODELS
from mmvg.weights.conversion import convert_instancevg

LEVELS, POINTS, QUERIES = 4, 4, 3


def layer_norm_2d(x, w, name):
    return layer_norm(x.permute(1, 2, 0), w, name).permute(2, 0, 1)


def select_points(probability):
    """Cells of a map (g, g), greedily: the highest, then high ones far away from those already chosen."""
    scores, (h, w) = probability.double().sigmoid(), probability.shape
    chosen = [scores.argmax().item()]
    while len(chosen) < QUERIES:
        best = max(
            (cell for cell in range(h * w) if cell not in chosen),
            key=lambda cell: (
                scores.view(-1)[cell].item()
                + 0.003 * min(math.dist(divmod(cell, w), divmod(other, w)) for other in chosen) / math.hypot(h, w),
                -cell,
            ),
        )
        chosen.append(best)
    return chosen


def generate_queries(image, text, length, w):
    """The instance query generator on F_i (C, g, g) and F_t (L, C) with ``length`` real tokens."""
    name = 'head.query_generation'
    grid = image.shape[-1]
    if length >= QUERIES:
        order = sorted(range(length), key=lambda i: -text[i].mean().item())[:QUERIES]
        filtered, valid = text[order], QUERIES
    else:
        filtered, valid = text[:QUERIES].clone(), length
        filtered[valid:] = 0
    memory = image.flatten(1).T
    layer = f'{name}.T2I_decoder.layers.0'
    target = torch.zeros_like(filtered)
    target = target + attention(filtered, filtered, target, w, f'{layer}.attentions.0.attn')[0]
    target = layer_norm(target, w, f'{layer}.norms.0')
    keys = memory + sine_position(grid, image.shape[0])
    seen, weights = attention(target + filtered, keys, memory, w, f'{layer}.attentions.1.attn')
    target = layer_norm(target + seen, w, f'{layer}.norms.1')
    target = layer_norm(ffn(target, w, layer), w, f'{layer}.norms.2')
    target = layer_norm(target, w, f'{name}.T2I_decoder.post_norm_layer')
    attended = weights[:valid].amax(0).view(grid, grid)
    cells = select_points(attended)
    points = torch.tensor([[(cell % grid + 0.5) / grid, (cell // grid + 0.5) / grid] for cell in cells])
    return mlp(torch.cat([target, memory[cells]], 1), w, f'{name}.mlp'), points, attended


def pyramid(image, w):
    def upsample(x, name):
        return F.conv_transpose2d(x[None], w[f'{name}.weight'], w[f'{name}.bias'], stride=2)[0]

    fine = F.gelu(layer_norm_2d(upsample(image, 'head.neck.fpn1.0'), w, 'head.neck.fpn1.1'))
    maps = [
        upsample(fine, 'head.neck.fpn1.3'),
        upsample(image, 'head.neck.fpn2.0'),
        image,
        F.max_pool2d(image[None], 2)[0],
    ]
    for i in range(4):
        for convs, padding in (('lateral_convs', 0), ('fpn_convs', 1)):
            name = f'head.neck.{convs}.{i}'
            maps[i] = F.conv2d(maps[i][None], w[f'{name}.conv.weight'], padding=padding)[0]
            maps[i] = layer_norm_2d(maps[i], w, f'{name}.norm_layer')
    return maps


def sample(value, x, y):
    """Bilinear value of a map (h, w, C) at the fractions x and y, where cell (0, 0) is centred at 0.5; 0 outside."""
    height, width = value.shape[:2]
    x, y = x * width - 0.5, y * height - 0.5
    result = torch.zeros(value.shape[2])
    for row in (math.floor(y), math.floor(y) + 1):
        for col in (math.floor(x), math.floor(x) + 1):
            if 0 <= row < height and 0 <= col < width:
                result = result + (1 - abs(y - row)) * (1 - abs(x - col)) * value[row, col]
    return result


def deformable_attention(query, position, references, maps, w, name):
    width = query.shape[1]
    offsets = linear(query + position, w, f'{name}.sampling_offsets').view(-1, HEADS, LEVELS, POINTS, 2)
    weights = linear(query + position, w, f'{name}.attention_weights').view(-1, HEADS, LEVELS * POINTS).softmax(-1)
    values = [linear(level.permute(1, 2, 0), w, f'{name}.value_proj') for level in maps]
    output = torch.zeros_like(query)
    for q in range(len(query)):
        for head in range(HEADS):
            part = slice(head * width // HEADS, (head + 1) * width // HEADS)
            for i, (level, point) in enumerate((a, b) for a in range(LEVELS) for b in range(POINTS)):
                size = torch.tensor([maps[level].shape[2], maps[level].shape[1]])
                x, y = (references[q] + offsets[q, head, level, point] / size).tolist()
                output[q, part] += weights[q, head, i] * sample(values[level][..., part], x, y)
    return query + linear(output, w, f'{name}.output_proj')


def decode_queries(state, points, maps, w):
    position = linear(points, w, 'head.query_pos_embedding')
    references = points + linear(position, w, 'head.decoder_transformer.reference_points').sigmoid()
    states = []
    for i in range(3):
        layer = f'head.decoder_transformer.decoder.layers.{i}'
        q = state + position
        state = layer_norm(state + attention(q, q, state, w, f'{layer}.attentions.0.attn')[0], w, f'{layer}.norms.0')
        state = deformable_attention(state, position, references, maps, w, f'{layer}.attentions.1')
        state = layer_norm(ffn(layer_norm(state, w, f'{layer}.norms.1'), w, layer), w, f'{layer}.norms.2')
        states.append(state)
    return torch.stack(states), references


def unet(maps, w):
    x = maps[3]
    for suffix, level in ((4, 2), (3, 1), (2, 0)):
        x = F.interpolate(x[None], maps[level].shape[1:], mode='bilinear', align_corners=True)[0]
        x = torch.cat([x, maps[level]])
        for i in (1, 2):
            x = F.conv2d(x[None], w[f'head.unet_decoder.conv{i}_{suffix}.weight'], padding=1)[0]
            norm = {key: w[f'head.unet_decoder.bn{i}_{suffix}.{key}'][:, None, None] for key in NORM_KEYS}
            x = (x - norm['running_mean']) / (norm['running_var'] + 1e-5).sqrt() * norm['weight'] + norm['bias']
            x = x.relu()
    return x


NORM_KEYS = ('running_mean', 'running_var', 'weight', 'bias')


def reference_instancevg(image_tokens, text_tokens, length, w):
    """Raw outputs for one sample from encoder features (C_e, g, g) and (L, C_e)."""
    image = torch.einsum('oc,chw->ohw', w['head.img_embedding.weight'][..., 0, 0], image_tokens)
    queries, points, attended = generate_queries(image, linear(text_tokens, w, 'head.lan_embedding'), length, w)
    maps = pyramid(image, w)
    states, references = decode_queries(queries, points, maps, w)
    pixels = unet(maps, w)
    centre = references.clamp(0, 1)
    centre = centre.clamp(min=1e-3).log() - (1 - centre).clamp(min=1e-3).log()
    boxes = [
        (mlp(s, w, f'head.bbox_embed.{i}') + torch.cat([centre, 0 * centre], 1)).sigmoid() for i, s in enumerate(states)
    ]
    return dict(
        class_logits=torch.stack([linear(s, w, f'head.class_embed.{i}') for i, s in enumerate(states)]),
        boxes_cxcywh_norm=torch.stack(boxes),
        instance_mask_logits=torch.einsum('qc,chw->qhw', states[-1], pixels),
        global_mask_logits=torch.einsum('oc,chw->ohw', w['head.seg_branch.predict.weight'][..., 0, 0], pixels)
        + w['head.seg_branch.predict.bias'],
        no_target_logits=mlp(pixels.permute(1, 2, 0), w, 'head.nt_embed').mean((0, 1)),
        points=points,
        attention=attended,
    )


@pytest.mark.parametrize('lengths', [(6, 4), (3, 2)], ids=['more tokens than queries', 'fewer'])
@torch.no_grad()
def test_outputs_of_a_converted_model_are_those_of_the_authors_arithmetic(tiny_official, tiny_model_cfg, lengths):
    model = MODELS.build(tiny_model_cfg).eval()
    model.load_state_dict(convert_instancevg(tiny_official, 'released.pth'))
    torch.manual_seed(2)
    mask = torch.arange(6) < torch.tensor(lengths)[:, None]
    inputs = dict(images=torch.randn(2, 3, 32, 32), input_ids=torch.randint(0, 30, (2, 6)), text_mask=mask)
    outputs = model(inputs, mode='tensor')
    encoded = model.backbone(**inputs)
    for i, length in enumerate(lengths):
        expected = reference_instancevg(encoded.images[0][i], encoded.text[i], length, tiny_official)
        assert outputs['points'][i].equal(expected.pop('points'))
        for name, value in expected.items():
            ours = outputs[name][:, i] if name in ('class_logits', 'boxes_cxcywh_norm') else outputs[name][i]
            tolerance = 1e-3 if 'mask' in name else 1e-4
            assert value.abs().max() > 10 * tolerance, f'{name} says nothing'
            torch.testing.assert_close(ours, value, rtol=0, atol=tolerance, msg=lambda m, n=name: f'{n}: {m}')
