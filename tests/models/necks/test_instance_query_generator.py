import math

import pytest
import torch
import torch.nn.functional as F

from mmvg.models.features import GroundingFeatures
from mmvg.models.necks import InstanceQueryGenerator


def tiny(num_queries=3, **options):
    torch.manual_seed(0)
    neck = InstanceQueryGenerator(8, num_queries, num_heads=2, ffn_channels=16, **options)
    with torch.no_grad():
        for parameter in neck.parameters():
            parameter.normal_(std=0.5)
    return neck.eval()


def batch(lengths=(5, 2), max_length=6, height=4, width=5):
    generator = torch.Generator().manual_seed(1)
    return GroundingFeatures(
        images=[torch.randn(len(lengths), 8, height, width, generator=generator)],
        text=torch.randn(len(lengths), max_length, 8, generator=generator),
        text_mask=torch.arange(max_length)[None] < torch.tensor(lengths)[:, None],
    )


def sine(height, width, channels):
    """Position (h*w, C) of DETR: first half of the channels for y, second for x, sines on even, cosines on odd ones."""
    half = channels // 2
    out = torch.zeros(height, width, channels)
    for i in range(height):
        for j in range(width):
            for k in range(half):
                frequency = 10000 ** (2 * (k // 2) / half)
                wave = math.cos if k % 2 else math.sin
                out[i, j, k] = wave((i + 1) / (height + 1e-6) * 2 * math.pi / frequency)
                out[i, j, half + k] = wave((j + 1) / (width + 1e-6) * 2 * math.pi / frequency)
    return out.flatten(0, 1)


def reference(neck, image, text, length, pool=lambda weights: weights.max(0).values, filtered=True):
    """Section 3.2.1 of the paper for one sample, step by step; returns queries, cells and M_s."""
    channels, height, width = image.shape
    count = neck.num_queries
    if not filtered:
        tokens, real = text[:length], [True] * length
    elif length >= count:
        order = sorted(range(length), key=lambda i: -text[i].mean().item())[:count]
        tokens, real = text[order], [True] * count
    else:
        tokens, real = torch.zeros(count, channels), [i < length for i in range(count)]
        tokens[:length] = text[:length]
    memory, layer = image.flatten(1).T, neck.text_to_image

    def attend(attention, query, key, value):
        parts = (query, key, value), attention.in_proj_weight.chunk(3), attention.in_proj_bias.chunk(3)
        q, k, v = (F.linear(x, w, b).unflatten(1, (2, -1)).transpose(0, 1) for x, w, b in zip(*parts, strict=True))
        weights = (q @ k.transpose(1, 2) / math.sqrt(channels / 2)).softmax(-1)
        seen = (weights @ v).transpose(0, 1).flatten(1)
        return F.linear(seen, attention.out_proj.weight, attention.out_proj.bias), weights.mean(0)

    x = torch.zeros_like(tokens)
    x = layer.norms[0](x + attend(layer.self_attn.attn, x + tokens, x + tokens, x)[0])
    seen, weights = attend(layer.cross_attn.attn, x + tokens, memory + sine(height, width, channels), memory)
    x = layer.norms[1](x + seen)
    x = layer.norms[2](x + layer.ffn.layers[1](torch.relu(layer.ffn.layers[0][0](x))))
    x = neck.post_norm(x)
    score_map = pool(weights[real])
    scores, cells = score_map.sigmoid(), []
    for _ in range(count):
        total = [
            -math.inf
            if i in cells
            else scores[i].item()
            + 0.003
            * min(
                (math.dist(divmod(i, width), divmod(c, width)) for c in cells),
                default=0.0,
            )
            / math.hypot(height, width)
            for i in range(height * width)
        ]
        cells.append(total.index(max(total)))
    x = torch.cat([x, memory[cells]], 1) if filtered else memory[cells]
    for i, linear in enumerate(neck.mlp.layers):
        x = linear(x if i == 0 else torch.relu(x))
    return x, cells, score_map.view(height, width)


@torch.no_grad()
def test_every_step_is_the_arithmetic_of_the_paper():
    neck, given = tiny(), batch((5, 2))  # more and fewer tokens than queries
    out = neck(given)
    assert out.queries.shape == (2, 3, 8)
    assert out.points.shape == (2, 3, 2)
    for i, length in enumerate((5, 2)):
        queries, cells, score_map = reference(neck, given.images[0][i], given.text[i], length)
        assert torch.allclose(out.queries[i], queries, atol=1e-4)
        assert torch.allclose(out.attention[i], score_map, atol=1e-6)
        expected = torch.tensor([[(c % 5 + 0.5) / 5, (c // 5 + 0.5) / 4] for c in cells])
        assert torch.equal(out.points[i], expected)


@torch.no_grad()
def test_mean_pool_leaves_the_zero_vectors_out():
    given, neck = batch((2,)), tiny(attn_pool='mean')  # fewer tokens than queries
    _, _, expected = reference(neck, given.images[0][0], given.text[0], 2, pool=lambda weights: weights.mean(0))
    assert torch.allclose(neck(given).attention[0], expected, atol=1e-6)


@pytest.mark.parametrize(
    'options',
    [
        {},
        dict(text_filter_score='l2', text_filter_special=False, attn_pool='mean'),
        dict(point_selector='topk'),
        dict(text_filter=False, text_injected_query=False),
    ],
)
@torch.no_grad()
def test_padding_has_no_influence(options):
    neck, given = tiny(**options), batch((4, 2), max_length=6)
    out = neck(given)
    dirty = given.replace(text=given.text.masked_fill(~given.text_mask[..., None], torch.nan))
    longer = given.replace(text=F.pad(given.text, (0, 0, 0, 5), value=7.0), text_mask=F.pad(given.text_mask, (0, 5)))
    for other in (neck(dirty), neck(longer)):
        assert torch.equal(out.points, other.points)
        assert torch.allclose(out.queries, other.queries, atol=1e-5)
        assert torch.allclose(out.attention, other.attention, atol=1e-6)


@torch.no_grad()
def test_samples_of_a_batch_do_not_see_each_other():
    neck, given = tiny(), batch((5, 1, 3))
    together = neck(given)
    for i in range(3):
        one = GroundingFeatures(
            images=[given.images[0][i : i + 1]], text=given.text[i : i + 1], text_mask=given.text_mask[i : i + 1]
        )
        alone = neck(one)
        assert torch.equal(alone.points[0], together.points[i])
        assert torch.allclose(alone.queries[0], together.queries[i], atol=1e-5)


@torch.no_grad()
def test_bfloat16_autocast_chooses_the_points_of_float32():
    neck, given = tiny(5), batch((5, 3, 6, 2), height=14, width=14)
    with torch.autocast('cpu', torch.bfloat16):
        low = neck(given)
    full = neck(given)
    assert torch.equal(low.points, full.points)
    assert torch.equal(low.attention, full.attention)
    assert low.attention.dtype == low.points.dtype == torch.float32
    assert torch.allclose(low.queries.float(), full.queries, atol=0.2)


@pytest.mark.parametrize(('num_queries', 'lengths', 'max_length'), [(1, (4, 1), 4), (6, (2, 0), 3), (3, (0, 0), 3)])
def test_few_queries_and_few_tokens_are_finite_and_differentiable(num_queries, lengths, max_length, unlearned):
    neck, given = tiny(num_queries), batch(lengths, max_length)
    given.images[0].requires_grad_()
    given.text.requires_grad_()
    out = neck.train()(given)
    assert out.points.shape == (2, num_queries, 2)
    assert not out.points.requires_grad
    (out.queries.square().sum() + out.attention.square().sum()).backward()
    assert given.images[0].grad.isfinite().all()
    assert given.text.grad.isfinite().all()
    # queries start from zero, so what attention among them gives is zero too when they are all alike
    alike = num_queries == 1 or not any(lengths)
    assert unlearned(neck) == (['text_to_image.self_attn.attn.in_proj_weight'] if alike else [])


def test_zero_features_give_the_corners_first():
    neck, given = tiny(4), batch((3,), height=4, width=4)
    with torch.no_grad():
        neck.text_to_image.cross_attn.attn.in_proj_weight[8:16].zero_()  # keys all alike: the map is uniform
    points = neck(given.replace(images=[torch.zeros(1, 8, 4, 4)])).points[0]
    assert points.tolist() == [[0.125, 0.125], [0.875, 0.875], [0.875, 0.125], [0.125, 0.875]]


@torch.no_grad()
def test_topk_takes_the_highest_cells():
    out = tiny(point_selector='topk')(batch())
    cells = (out.points[..., 1] * 4 - 0.5) * 5 + out.points[..., 0] * 5 - 0.5
    best = out.attention.flatten(1).topk(3).indices
    assert torch.allclose(cells, best.float(), atol=1e-4)


@torch.no_grad()
def test_without_text_injection_queries_are_made_of_the_image_alone():
    neck, given = tiny(text_injected_query=False), batch()
    out = neck(given)
    for i in range(2):
        for k in range(3):
            x, y = out.points[i, k].tolist()
            assert torch.allclose(out.queries[i, k], neck.mlp(given.images[0][i, :, int(y * 4), int(x * 5)]), atol=1e-6)


@torch.no_grad()
def test_without_filter_all_real_tokens_are_pooled():
    neck, given = tiny(text_filter=False, text_injected_query=False), batch((5, 2))
    out = neck(given)
    for i, length in enumerate((5, 2)):
        queries, _, score_map = reference(neck, given.images[0][i], given.text[i], length, filtered=False)
        assert torch.allclose(out.attention[i], score_map, atol=1e-6)
        assert torch.allclose(out.queries[i], queries, atol=1e-4)


@pytest.mark.parametrize(
    'options',
    [
        dict(text_filter=False),
        dict(text_filter_score='max'),
        dict(attn_pool='sum'),
        dict(point_selector='random'),
        dict(in_channels=6),
    ],
)
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(ValueError, match=r'text_filter|attn_pool|point_selector|in_channels'):
        InstanceQueryGenerator(**options)


def test_parameters_are_those_counted_by_hand():
    dead = 10 * 256  # the released model has a table of queries that it never uses
    assert sum(p.numel() for p in InstanceQueryGenerator().parameters()) == 1_056_768 - dead
