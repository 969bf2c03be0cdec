import math

import pytest
import torch
from torch import nn

from mmvg.models.layers import TokenElimination, first_query_logits, take_out
from mmvg.models.layers.token_elimination import mean_of_neighbours


def stay(logits, kept, size, threshold):
    """Which cells stay, cell by cell: by the authors' arithmetic, of one sample."""
    height, width = size
    total = sum(math.exp(x) for x, here in zip(logits, kept, strict=True) if here)
    weights = {i: math.exp(logits[i]) / total for i in range(height * width) if kept[i]}
    least = min(weights.values())
    means = {}
    for cell in weights:
        row, column = divmod(cell, width)
        values = []
        for y in (row - 1, row, row + 1):
            for x in (column - 1, column, column + 1):
                inside = 0 <= y < height and 0 <= x < width
                values.append(weights.get(y * width + x, least) if inside else weights[cell])
        means[cell] = sum(values) / 9
    low, high = min(means.values()), max(means.values())
    return [i in means and (high == low or (means[i] - low) / (high - low) >= threshold) for i in range(height * width)]


@pytest.mark.parametrize('left', [1.0, 0.6, 0.1])
@pytest.mark.parametrize('threshold', [0.0, 0.015, 0.3, 0.8])
def test_cells_stay_by_the_rule_of_the_authors(threshold, left):
    generator = torch.Generator().manual_seed(0)
    size = (5, 6)
    logits = 3 * torch.randn(4, 30, generator=generator)
    kept = torch.rand(4, 30, generator=generator) < left
    kept[:, 7] = True
    chosen = TokenElimination(threshold).eval()(logits, kept, size)
    expected = [stay(row.tolist(), here.tolist(), size, threshold) for row, here in zip(logits, kept, strict=True)]
    assert chosen.tolist() == expected
    assert chosen.any(1).all()


def test_shortened_tensors_and_hidden_cells_are_the_same_choice():
    generator = torch.Generator().manual_seed(1)
    logits = 3 * torch.randn(3, 36, generator=generator)
    kept = torch.rand(3, 36, generator=generator) < torch.tensor([[0.2], [0.5], [0.9]])
    choose = TokenElimination(0.1).eval()
    whole = choose(logits, kept, (6, 6))
    tokens, positions = torch.randn(3, 37, 4), torch.randn(1, 37, 4)
    _, _, some, places = take_out(tokens, positions, kept, None)
    assert some.shape[1] == kept.sum(1).max()
    short = choose(logits.gather(1, places), some, (6, 6), places)
    assert torch.equal(torch.zeros_like(whole).scatter(1, places, short), whole)


def test_what_is_taken_out_is_known_by_its_place():
    tokens = torch.arange(2 * 6.0).view(2, 6, 1)
    positions = 100 + torch.arange(6.0).view(1, 6, 1)
    kept = torch.tensor([[0, 1, 0, 1, 1], [1, 0, 0, 0, 0]]).bool()
    tokens, positions, kept, places = take_out(tokens, positions, kept, None)
    assert tokens[0, :, 0].tolist() == [0, 2, 4, 5]
    assert tokens[1, :2, 0].tolist() == [6, 7]
    assert positions[0, :, 0].tolist() == [100, 102, 104, 105]
    assert places[0].tolist() == [1, 3, 4]
    assert kept.tolist() == [[True] * 3, [True, False, False]]
    tokens, _, kept, places = take_out(tokens, positions, kept & torch.tensor([True, False, True]), places)
    assert tokens[0, :, 0].tolist() == [0, 2, 5]
    assert places[0].tolist() == [1, 4]
    assert kept.tolist() == [[True, True], [True, False]]


def test_equal_cells_all_stay():
    kept = torch.ones(1, 9).bool()
    assert TokenElimination(0.5).eval()(torch.zeros(1, 9), kept, (3, 3)).all()


def test_a_tenth_of_what_may_go_stays_in_training_alone():
    torch.manual_seed(0)
    logits = torch.zeros(8, 1024)
    logits[:, 0] = 9.0  # four cells round a corner
    kept = torch.ones_like(logits).bool()
    kept[0, 512:] = False
    choose = TokenElimination(0.015, keep_rate=0.1)
    stays = choose(logits, kept, (32, 32))
    share = (stays[1:].sum() - 7 * 4) / (7 * 1020)
    assert share.item() == pytest.approx(0.1, abs=0.02)
    assert not stays[0, 512:].any()
    assert not torch.equal(stays, choose(logits, kept, (32, 32)))
    assert (choose.eval()(logits, kept, (32, 32)).sum(1) == 4).all()


def test_a_sample_is_decided_for_itself():
    logits = torch.randn(5, 16, generator=torch.Generator().manual_seed(0))
    choose, kept = TokenElimination(0.2).eval(), torch.ones(5, 16).bool()
    together = choose(logits, kept, (4, 4))
    alone = [choose(logits[i : i + 1], kept[:1], (4, 4)) for i in range(5)]
    assert torch.equal(together, torch.cat(alone))
    assert together.sum(1).unique().numel() > 1


def test_the_cell_itself_stands_for_neighbours_beyond_the_border():
    x = torch.tensor([[[1.0, 2.0], [3.0, 10.0]]])
    corner = (1 + 2 + 3 + 10 + 5 * 1) / 9
    assert mean_of_neighbours(x)[0, 0, 0].item() == pytest.approx(corner)


def test_the_logits_of_the_first_query_are_those_of_the_attention_but_for_a_number():
    torch.manual_seed(0)
    attention = nn.MultiheadAttention(8, 2, batch_first=True)
    nn.init.normal_(attention.in_proj_bias)
    tokens = torch.randn(3, 6, 8)
    query, key, _ = (tokens @ attention.in_proj_weight.T + attention.in_proj_bias).chunk(3, -1)
    heads = [
        query[:, :1, part] @ key[:, 1:, part].transpose(1, 2) / 2 for part in (slice(0, 4), slice(4, 8))
    ]  # 2 = sqrt(4)
    expected = (heads[0] + heads[1])[:, 0] / 2
    found = first_query_logits(attention, tokens)
    difference = found - expected
    torch.testing.assert_close(difference, difference[:, :1].expand(-1, 5))
    torch.testing.assert_close(found.softmax(1), expected.softmax(1))


def test_rates_beyond_one_are_refused():
    with pytest.raises(ValueError, match='not both between 0 and 1'):
        TokenElimination(threshold=1.5)
