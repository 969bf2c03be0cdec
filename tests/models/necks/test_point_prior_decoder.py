import math

import pytest
import torch
import torch.nn.functional as F

from mmvg.models.features import GroundingFeatures
from mmvg.models.layers import attend_to_points
from mmvg.models.necks import LearnedQueries, PointPriorDecoder


def tiny(randomise=True, **options):
    torch.manual_seed(0)
    options = dict(embed_dims=8, num_layers=2, num_heads=2, num_levels=2, num_points=3, ffn_channels=16) | options
    neck = PointPriorDecoder(**options).eval()
    if randomise:
        with torch.no_grad():
            for parameter in neck.parameters():
                parameter.normal_(std=0.5)
    return neck


def batch(size=2, num_queries=4, shapes=((6, 8), (3, 4))):
    generator = torch.Generator().manual_seed(1)
    return GroundingFeatures(
        images=[torch.randn(size, 8, *shape, generator=generator) for shape in shapes],
        queries=torch.randn(size, num_queries, 8, generator=generator),
        points=torch.rand(size, num_queries, 2, generator=generator),
    )


def bilinear(image, x, y):
    """Value (C,) of ``image`` (C, h, w) at x, y in fractions; cell centres lie at half cells, outside is zero."""
    height, width = image.shape[1:]
    x, y = x * width - 0.5, y * height - 0.5
    left, top = math.floor(x), math.floor(y)
    value = torch.zeros(len(image))
    for i in (top, top + 1):
        for j in (left, left + 1):
            if 0 <= i < height and 0 <= j < width:
                value += (1 - abs(x - j)) * (1 - abs(y - i)) * image[:, i, j]
    return value


def deformable(attention, query, reference, maps, heads, points):
    """Equation 4 for the query (C,) of one sample."""
    size, levels = len(query) // heads, len(maps)
    offsets = attention.sampling_offsets(query).view(heads, levels, points, 2)
    weights = attention.attention_weights(query).view(heads, -1).softmax(-1).view(heads, levels, points)
    out = torch.zeros(len(query))
    for level, image in enumerate(maps):
        value = torch.einsum('oc,chw->ohw', attention.value_proj.weight, image)
        value = value + attention.value_proj.bias[:, None, None]
        height, width = image.shape[1:]
        for m in range(heads):
            for k in range(points):
                x = reference[0] + offsets[m, level, k, 0] / width
                y = reference[1] + offsets[m, level, k, 1] / height
                part = slice(m * size, (m + 1) * size)
                out[part] += weights[m, level, k] * bilinear(value[part], x.item(), y.item())
    return attention.output_proj(out)


def self_attention(attention, query, value, heads):
    parts = (query, query, value), attention.in_proj_weight.chunk(3), attention.in_proj_bias.chunk(3)
    q, k, v = (F.linear(x, w, b).unflatten(1, (heads, -1)).transpose(0, 1) for x, w, b in zip(*parts, strict=True))
    seen = (q @ k.transpose(1, 2) / math.sqrt(q.shape[-1])).softmax(-1) @ v
    return F.linear(seen.transpose(0, 1).flatten(1), attention.out_proj.weight, attention.out_proj.bias)


@pytest.mark.parametrize('point_reference', ['learned_offset', 'point'])
@torch.no_grad()
def test_layers_are_equation_4_written_out(point_reference):
    neck, given = tiny(point_reference=point_reference), batch()
    out = neck(given)
    assert out.query_states.shape == (2, 2, 4, 8)
    for i in range(2):
        position = neck.query_position(given.points[i])
        references = given.points[i]
        if point_reference == 'learned_offset':
            references = references + neck.reference_offset(position).sigmoid()
        assert torch.allclose(out.references[i], references, atol=1e-6)
        x = given.queries[i]
        for depth, layer in enumerate(neck.layers):
            x = layer.norms[0](x + self_attention(layer.self_attn.attn, x + position, x, 2))
            maps = [level[i] for level in given.images]
            seen = [
                deformable(layer.cross_attn, q, r, maps, 2, 3) for q, r in zip(x + position, references, strict=True)
            ]
            x = layer.norms[1](x + torch.stack(seen))
            x = layer.norms[2](x + layer.ffn.layers[1](torch.relu(layer.ffn.layers[0][0](x))))
            assert torch.allclose(out.query_states[depth, i], x, atol=1e-4)


def test_initialisation_is_that_of_the_authors():
    neck = tiny(randomise=False, embed_dims=256, num_heads=8)
    assert neck.reference_offset.weight.std().item() == pytest.approx((2 / 258) ** 0.5, rel=0.15)  # xavier normal
    assert (neck.reference_offset.bias == 0).all()
    assert neck.layers[0].ffn.layers[1].weight.abs().max().item() == pytest.approx((6 / 272) ** 0.5, rel=0.01)
    attention = neck.layers[0].cross_attn
    assert (attention.sampling_offsets.weight == 0).all()
    # eight compass directions, one to three steps long, the same at both levels
    bias = attention.sampling_offsets.bias.view(8, 2, 3, 2)
    assert torch.allclose(bias[2, 1], torch.tensor([[0.0, 1.0], [0.0, 2.0], [0.0, 3.0]]), atol=1e-6)
    assert torch.allclose(bias[3, 0, 0], torch.tensor([-1.0, 1.0]), atol=1e-5)


def test_parameters_are_those_counted_by_hand():
    dead = 4 * 256  # level embeddings, which have no effect without an encoder
    query_position = 3 * 256
    assert sum(p.numel() for p in PointPriorDecoder().parameters()) == 3_063_170 - dead + query_position


@pytest.mark.parametrize('num_queries', [1, 4])
def test_gradients_are_finite_and_reach_every_parameter(num_queries, unlearned):
    neck, given = tiny().train(), batch(num_queries=num_queries)
    for tensor in (*given.images, given.queries):
        tensor.requires_grad_()
    out = neck(given)
    (out.query_states.square().sum() + out.references.sum()).backward()
    assert unlearned(neck) == []
    for tensor in (*given.images, given.queries):
        assert tensor.grad.isfinite().all()
        assert tensor.grad.any()


@torch.no_grad()
def test_autocast_changes_nothing():
    neck, given = tiny(), batch()
    with torch.autocast('cpu', torch.bfloat16):
        low = neck(given)
    assert torch.equal(low.query_states, neck(given).query_states)
    assert low.references.dtype == torch.float32


@torch.no_grad()
def test_points_outside_the_image_sample_zeros():
    neck, given = tiny(point_reference='point', num_layers=1), batch()
    far = given.replace(points=given.points + 100)
    empty = far.replace(images=[torch.full_like(level, 1e3) for level in far.images])
    assert torch.equal(neck(far).query_states, neck(empty).query_states)


def test_sampling_before_projecting_gives_what_mmcv_gives_by_projecting_all_cells():
    neck, given = tiny(num_layers=1), batch()
    attention, (references, query) = neck.layers[0].cross_attn, (given.points * 1.4 - 0.2, given.queries)
    sizes = torch.tensor([x.shape[-2:] for x in given.images])
    for x in given.images:
        x.requires_grad_()
    theirs = attention(
        query,
        value=torch.cat([x.flatten(2).transpose(1, 2) for x in given.images], dim=1),
        identity=torch.zeros_like(query),
        reference_points=references[:, :, None].expand(-1, -1, 2, -1),
        spatial_shapes=sizes,
    )
    ours = attend_to_points(attention, query, references, given.images)
    torch.testing.assert_close(ours, theirs)
    wanted = [*attention.parameters(), *given.images]
    noise = torch.randn(ours.shape, generator=torch.Generator().manual_seed(2))
    gradients = [torch.autograd.grad(seen, wanted, noise) for seen in (ours, theirs)]
    for mine, other in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_single_level_and_learned_points_give_the_rows_of_table_9():
    given = batch(shapes=((4, 5),))
    learned = LearnedQueries(6, 8, points=True)
    out = tiny(num_levels=1, point_reference='point')(learned(given))
    assert out.query_states.shape == (2, 2, 6, 8)
    assert torch.equal(out.references, out.points)
    assert torch.equal(out.points[0], out.points[1])


def test_learned_points_are_trained_through_the_decoder():
    learned, neck = LearnedQueries(6, 8, points=True), tiny(point_reference='point')
    neck(learned(batch())).query_states.square().sum().backward()
    assert learned.point.weight.grad.abs().sum() > 0
    assert learned.table.weight.grad.abs().sum() > 0


def test_wrong_number_of_maps_and_unknown_reference_are_refused():
    with pytest.raises(ValueError, match='num_levels=2, it got 1'):
        tiny()(batch(shapes=((4, 5),)))
    with pytest.raises(ValueError, match='add a query generator'):
        tiny()(batch().replace(points=None))
    with pytest.raises(ValueError, match="'grid'"):
        PointPriorDecoder(point_reference='grid')


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_cuda_op_agrees_with_the_cpu(dtype):
    neck, given = tiny(), batch(size=65)  # no multiple of the op's step of 64
    expected = neck(given)
    neck.cuda()
    on_gpu = GroundingFeatures(
        images=[level.cuda() for level in given.images], queries=given.queries.cuda(), points=given.points.cuda()
    )
    with torch.autocast('cuda', dtype):
        out = neck(on_gpu)
    assert torch.allclose(out.query_states.cpu(), expected.query_states, atol=1e-3)
