import pytest
import torch

from mmvg.models.backbones import ConvTextEncoder


def make(**changes):
    torch.manual_seed(0)
    settings = dict(
        image_channels=(4, 6, 8),
        image_blocks=(0, 1, 1),
        text_channels=8,
        text_layers=1,
        text_heads=2,
        sentence_channels=10,
        vocab_size=20,
        max_text_positions=7,
    )
    return ConvTextEncoder(**settings | changes)


def inputs(tokens=(5, 2), length=6):
    torch.manual_seed(1)
    batch = len(tokens)
    mask = torch.arange(length) < torch.tensor(tokens)[:, None]
    return torch.randn(batch, 3, 32, 48), torch.randint(0, 20, (batch, length)), mask


def test_maps_come_finest_first_with_words_and_a_sentence():
    features = make()(*inputs())
    assert [tuple(x.shape) for x in features.images] == [(2, 4, 16, 24), (2, 6, 8, 12), (2, 8, 4, 6)]
    assert features.text.shape == (2, 6, 8)
    assert features.sentence.shape == (2, 10)
    assert [x.shape[1] for x in make(first_map=1)(*inputs()).images] == [6, 8]


@pytest.mark.parametrize('tokens', [(5, 2), (6,), (1, 1)])
def test_every_parameter_gets_a_finite_gradient(tokens, unlearned):
    encoder = make()
    features = encoder(*inputs(tokens))
    sum((x * torch.randn_like(x)).sum() for x in (*features.images, features.text, features.sentence)).backward()
    assert unlearned(encoder) == []


def test_padding_changes_neither_words_nor_sentence():
    encoder = make().eval()
    images, ids, mask = inputs()
    expected = encoder(images, ids, mask)
    other = encoder(images, ids.masked_fill(~mask, 19), mask)
    torch.testing.assert_close(other.text[mask], expected.text[mask])
    torch.testing.assert_close(other.sentence, expected.sentence)


def test_the_order_of_words_matters():
    encoder = make().eval()
    images, ids, mask = inputs((4,))
    ids[0, :4] = torch.arange(4)
    swapped = ids.clone()
    swapped[:, [1, 2]] = ids[:, [2, 1]]
    assert (encoder(images, ids, mask).sentence - encoder(images, swapped, mask).sentence).abs().max() > 1e-3


def test_a_longer_text_than_there_are_positions_is_refused():
    with pytest.raises(ValueError, match=r'reads 7 tokens.*\(1, 8\)'):
        make()(*inputs((8,), length=8))


def test_batch_norm_counts_an_image_once_or_with_every_text():
    images, ids, mask = inputs((5, 2, 4))
    index = torch.tensor([0, 1, 1])
    given = dict(input_ids=ids, text_mask=mask, image_index=index)
    counted = make()(images[:2], **given).images[-1]
    torch.testing.assert_close(counted, make()(images[index], ids, mask).images[-1])
    once = make(norm_counts_images=True)(images[:2], **given).images[-1]
    torch.testing.assert_close(once, make()(images[:2], ids[:2], mask[:2]).images[-1][index])
    assert (once - counted).abs().max() > 1e-3


def test_new_blocks_that_start_as_the_identity_do_not_change_a_tower():
    old, new = make(), make(image_blocks=(0, 2, 3), zero_init_residual=True)
    new.load_state_dict(new.state_dict() | old.state_dict())
    for expected, found in zip(old.eval()(*inputs()).images, new.eval()(*inputs()).images, strict=True):
        torch.testing.assert_close(found, expected)
