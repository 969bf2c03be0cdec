import math

import pytest
import torch

from mmvg.models.features import GroundingFeatures
from mmvg.models.necks import TextGuidedQueryGenerator
from mmvg.models.necks.text_guided_query_generator import token_positions


def make(**changes):
    torch.manual_seed(0)
    return TextGuidedQueryGenerator(**dict(channels=8, num_queries=3, num_heads=2, ffn_channels=16) | changes).eval()


def features(lengths=(5, 3), tokens=5):
    torch.manual_seed(1)
    mask = torch.arange(tokens) < torch.tensor(lengths)[:, None]
    return GroundingFeatures(images=[], text=torch.randn(len(lengths), tokens, 8), text_mask=mask)


@torch.no_grad()
def test_padded_tokens_change_nothing():
    given, generator = features(), make()
    queries = generator(given).queries
    assert queries.shape == (2, 3, 8)
    text = given.text.clone()
    text[1, 3:] = 100.0
    torch.testing.assert_close(generator(given.replace(text=text)).queries, queries)
    shorter = given.replace(text=given.text[1:, :3], text_mask=given.text_mask[1:, :3])
    torch.testing.assert_close(generator(shorter).queries[0], queries[1])


@torch.no_grad()
def test_a_query_is_the_sum_of_what_it_reads_the_strongest_token_and_itself():
    given, generator = features(), make()
    generator.decoder.post_norm.weight.zero_()  # it reads nothing
    expected = generator.table.weight + given.text[1, :3].amax(0)
    torch.testing.assert_close(generator(given).queries[1], expected)


@torch.no_grad()
def test_queries_depend_on_the_order_of_the_tokens():
    given, generator = features((5,)), make()
    turned = given.replace(text=given.text.flip(1))
    assert not torch.allclose(generator(turned).queries, generator(given).queries, atol=1e-3)


def test_a_text_without_any_token_gives_finite_queries_and_gradients(unlearned):
    generator = make().train()
    generator(features((0, 2))).queries.square().sum().backward()
    # among queries that start from zero, the first self-attention has nothing to weigh
    first = 'decoder.layers.0.self_attn.attn'
    assert unlearned(generator) == [
        f'{first}.in_proj_weight',
        f'{first}.out_proj.weight',
        'decoder.layers.0.norms.0.weight',
    ]


def test_positions_are_those_of_the_authors_or_all_frequencies():
    one, every = (token_positions(torch.zeros(1, 3, 6), frequencies)[0] for frequencies in (1, None))
    assert one[2].tolist() == pytest.approx([math.sin(2), math.cos(2), 0, 1, 0, 1])
    rates = [1, 10000 ** (-1 / 3), 10000 ** (-2 / 3)]
    assert every[2].tolist() == pytest.approx([f(2 * rate) for rate in rates for f in (math.sin, math.cos)])


def test_an_odd_width_is_refused():
    with pytest.raises(ValueError, match='channels to be even, not 7'):
        TextGuidedQueryGenerator(channels=7, num_heads=1)
