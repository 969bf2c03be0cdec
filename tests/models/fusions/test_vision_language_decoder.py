import math

import pytest
import torch
import torch.nn.functional as F

from mmvg.models.features import GroundingFeatures
from mmvg.models.fusions import VisionLanguageDecoder
from mmvg.registry import MODELS

C, W = 8, 6  # widths of cells and words


def features(lengths=(5, 3), length=5):
    generator = torch.Generator().manual_seed(0)
    return GroundingFeatures(
        images=[torch.randn(len(lengths), C, 2, 3, generator=generator)],
        text=torch.randn(len(lengths), length, W, generator=generator),
        text_mask=torch.arange(length)[None] < torch.tensor(lengths)[:, None],
    )


def decoder(**changes):
    torch.manual_seed(0)
    settings = dict(embed_dims=C, text_channels=W, num_layers=2, num_heads=2, ffn_channels=10)
    part = MODELS.build(dict(type=VisionLanguageDecoder) | settings | changes)
    with torch.no_grad():
        for parameter in part.parameters():
            parameter.normal_(std=0.5)
    return part.eval()


def wave(position, channel, channels):
    angle = position / 10000 ** (2 * (channel // 2) / channels)
    return math.cos(angle) if channel % 2 else math.sin(angle)


def attend(attention, query, key, value, mask=None):
    """Multi-head attention by hand."""
    if attention.in_proj_weight is None:
        wq, wk, wv = attention.q_proj_weight, attention.k_proj_weight, attention.v_proj_weight
    else:
        wq, wk, wv = attention.in_proj_weight.chunk(3)
    bq, bk, bv = attention.in_proj_bias.chunk(3)
    q, k, v = query @ wq.T + bq, key @ wk.T + bk, value @ wv.T + bv
    q, k, v = (x.unflatten(-1, (2, C // 2)).transpose(1, 2) for x in (q, k, v))
    scores = q @ k.transpose(2, 3) / math.sqrt(C // 2)
    if mask is not None:
        scores = scores.masked_fill(~mask[:, None, None], -math.inf)
    out = (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)
    return out @ attention.out_proj.weight.T + attention.out_proj.bias


@torch.no_grad()
def test_it_is_the_decoder_of_cris():
    part, given = decoder(), features()
    cells = torch.tensor(
        [[wave(x, c, C // 2) for c in range(C // 2)] + [wave(y, c, C // 2) for c in range(C // 2)]
         for y in range(2) for x in range(3)]
    )  # fmt: skip
    words = torch.tensor([[wave(i, c, W) for c in range(W)] for i in range(5)])
    v = given.images[0].flatten(2).transpose(1, 2)
    for layer in part.layers:
        x = layer.self_norm(v)
        v = v + layer.self_out_norm(attend(layer.self_attn, x + cells, x + cells, x))
        x = layer.cross_norm(v)
        found = attend(layer.cross_attn, x + cells, given.text + words, given.text, given.text_mask)
        v = v + layer.cross_out_norm(found)
        norm, first, _, _, inner, second = layer.ffn
        v = v + second(inner(F.relu(first(norm(v)))))
    expected = part.norm(v).transpose(1, 2).unflatten(2, (2, 3))
    out = part(given)
    assert out.images[0].shape == (2, C, 2, 3)
    assert torch.allclose(out.images[0], expected, atol=1e-5)


@torch.no_grad()
def test_padded_words_change_nothing():
    part, given = decoder(), features(lengths=(3, 3))
    out = part(given).images[0]
    other = given.text.clone()
    other[:, 3:] = 100
    shorter = given.replace(text=given.text[:, :3], text_mask=given.text_mask[:, :3])
    for changed in (given.replace(text=other), shorter):
        assert torch.allclose(part(changed).images[0], out, atol=1e-5)


def test_every_part_learns_and_the_size_is_that_counted_by_hand(unlearned):
    part = decoder().train()
    part(features()).images[0].square().sum().backward()
    # the bias of keys moves all scores of a query alike, so nothing depends on it
    assert unlearned(part) == []
    with torch.device('meta'):
        full = VisionLanguageDecoder()
    assert sum(p.numel() for p in full.parameters()) == 12_631_552  # 12.63 M


def test_what_does_not_fit_is_refused():
    given = features()
    with pytest.raises(ValueError, match='one map, it got 2'):
        decoder()(given.replace(images=given.images * 2))
    with pytest.raises(ValueError, match='fours'):
        decoder(embed_dims=6)
