from functools import partial

import pytest
import torch
from timm.models.vision_transformer import Block
from timm.models.vision_transformer_sam import Block as WindowedBlock
from timm.models.vision_transformer_sam import get_rel_pos
from torch import nn

from mmvg.models.layers import RelativeAttention, resize_relative
from mmvg.models.layers.relative_attention import relative_table


@torch.no_grad()
@pytest.mark.parametrize('window', [None, 3, 4])
def test_a_block_with_it_is_a_block_of_vitdet_as_timm_has_it(window):
    """Rows and columns differ, and neither is a multiple of a window, so that windows are filled up with zeros."""
    torch.manual_seed(0)
    norm = dict(norm_layer=partial(nn.LayerNorm, eps=1e-6))
    theirs = WindowedBlock(8, 2, use_rel_pos=True, window_size=window or 0, input_size=(5, 7), **norm).double()
    ours = Block(8, 2, qkv_bias=True, **norm)
    ours.attn = RelativeAttention(8, 2, (5, 7), window)
    for parameter in theirs.parameters():
        nn.init.normal_(parameter, std=0.5)
    ours.double().load_state_dict(theirs.state_dict())
    x = torch.randn(2, 5, 7, 8, dtype=torch.double)
    torch.testing.assert_close(ours(x.flatten(1, 2)), theirs(x).flatten(1, 2))


def test_positions_are_arranged_by_query_and_key():
    table = torch.randn(7, 5)
    assert torch.equal(relative_table(table).transpose(1, 2), get_rel_pos(4, 4, table))


def test_positions_for_another_size_are_those_of_vitdet():
    table = torch.randn(127, 3)  # of 64 cells
    assert torch.equal(relative_table(resize_relative(table, 55)).transpose(1, 2), get_rel_pos(28, 28, table))
    assert resize_relative(table, 127) is table


def test_nothing_but_the_window_is_seen():
    torch.manual_seed(0)
    attention, x = RelativeAttention(8, 2, (4, 4), window=2), torch.randn(1, 16, 8)
    x.requires_grad_()
    attention(x)[0, 0].sum().backward()
    seen = x.grad[0].abs().sum(1).view(4, 4) > 0
    assert torch.equal(seen, torch.arange(4)[:, None].lt(2) & torch.arange(4).lt(2))
