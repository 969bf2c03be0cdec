import pytest
import torch

from mmvg.models.layers import filter_text, without_special_tokens


def prefix_mask(lengths, max_length):
    return torch.arange(max_length)[None] < torch.tensor(lengths)[:, None]


def test_best_tokens_come_in_descending_order_and_padding_is_never_among_them():
    text = torch.tensor([[[1.0, 1.0], [3.0, 3.0], [2.0, 2.0], [9.0, 9.0]]])  # the 9s are padding
    chosen, mask = filter_text(text, prefix_mask([3], 4), 2)
    assert chosen.tolist() == [[[3.0, 3.0], [2.0, 2.0]]]
    assert mask.tolist() == [[True, True]]


def test_mean_and_norm_choose_differently():
    text = torch.tensor([[[-5.0, 1.0], [1.0, 1.0], [0.0, 0.5]]])  # means -2, 1, 0.25; norms 5.1, 1.4, 0.5
    mask = prefix_mask([3], 3)
    assert filter_text(text, mask, 2, 'mean')[0].tolist() == [[[1.0, 1.0], [0.0, 0.5]]]
    assert filter_text(text, mask, 2, 'l2')[0].tolist() == [[[-5.0, 1.0], [1.0, 1.0]]]


@pytest.mark.parametrize('max_length', [2, 4, 6])
def test_too_few_tokens_stay_in_order_before_zero_vectors(max_length):
    text = torch.arange(1.0, 2 * max_length + 1).view(1, max_length, 2)
    chosen, mask = filter_text(text, prefix_mask([2], max_length), 4)
    assert chosen.tolist() == [[[1.0, 2.0], [3.0, 4.0], [0.0, 0.0], [0.0, 0.0]]]
    assert mask.tolist() == [[True, True, False, False]]


def test_equal_scores_keep_the_order_of_the_tokens():
    text = torch.stack([torch.tensor([float(i), -float(i)]) for i in range(40)])[None]  # all means are 0
    chosen, _ = filter_text(text, prefix_mask([40], 40), 5)
    assert chosen[0, :, 0].tolist() == [0, 1, 2, 3, 4]


def test_rows_of_a_batch_do_not_see_each_other():
    text, mask = torch.randn(3, 8, 4), prefix_mask([8, 3, 0], 8)
    together = filter_text(text, mask, 4)
    for i in range(3):
        alone = filter_text(text[i : i + 1], mask[i : i + 1], 4)
        assert torch.equal(together[0][i], alone[0][0])
        assert torch.equal(together[1][i], alone[1][0])


def test_garbage_in_padding_changes_neither_result_nor_gradient():
    text, mask = torch.randn(1, 5, 4), prefix_mask([3], 5)
    text[:, 3:] = torch.nan
    text.requires_grad_()
    chosen, _ = filter_text(text, mask, 4)
    chosen.square().sum().backward()
    assert torch.equal(text.grad[:, :3], 2 * text.detach()[:, :3])
    assert torch.equal(text.grad[:, 3:], torch.zeros(1, 2, 4))


def test_markers_are_the_first_and_last_real_token():
    mask = prefix_mask([5, 3, 2, 1, 0], 5)
    assert without_special_tokens(mask).tolist() == [
        [False, True, True, True, False],
        [False, True, False, False, False],
        [True, True, False, False, False],  # nothing between the markers: they stay
        [True, False, False, False, False],
        [False] * 5,
    ]


def test_markers_can_be_left_out():
    text = torch.tensor([[[9.0], [1.0], [2.0], [8.0], [0.0]]])
    chosen, mask = filter_text(text, prefix_mask([4], 5), 3, special=False)
    assert chosen[..., 0].tolist() == [[1.0, 2.0, 0.0]]
    assert mask.tolist() == [[True, True, False]]


def test_unknown_score_is_refused():
    with pytest.raises(ValueError, match="'l3'"):
        filter_text(torch.zeros(1, 2, 4), prefix_mask([2], 2), 1, 'l3')
