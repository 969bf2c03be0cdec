import pytest
import torch

from mmvg.models import GroundingFeatures
from mmvg.models.fusions import DualCrossAttentionFusion


def make(**changes):
    torch.manual_seed(0)
    return DualCrossAttentionFusion(
        **dict(in_channels=12, embed_dims=8, num_heads=2, ffn_channels=16, dropout=0.0) | changes
    )


def features(tokens=(4, 2), length=5, side=3):
    torch.manual_seed(1)
    batch = len(tokens)
    return GroundingFeatures(
        images=[torch.randn(batch, 4, 2 * side, 2 * side), torch.randn(batch, 12, side, side)],
        text=torch.randn(batch, length, 8),
        text_mask=torch.arange(length) < torch.tensor(tokens)[:, None],
        sentence=torch.randn(batch, 10),
    )


VARIANTS = [{}, dict(fuse='tokens'), dict(cross_attention=False)]


@pytest.mark.parametrize('variant', VARIANTS, ids=str)
@pytest.mark.parametrize('tokens', [(4, 2), (5,), (0, 1)])
def test_the_coarsest_map_is_replaced_and_every_parameter_is_used(variant, tokens, unlearned):
    neck, given = make(**variant), features(tokens)
    out = neck(given)
    assert out.images[-1].shape == (len(tokens), 8, 3, 3)
    assert out.images[0] is given.images[0]
    assert out.sentence is given.sentence
    (out.images[-1] * torch.randn_like(out.images[-1])).sum().backward()
    assert unlearned(neck) == []


@pytest.mark.parametrize('variant', VARIANTS, ids=str)
def test_padded_words_change_nothing_and_real_ones_do(variant):
    neck, given = make(**variant).eval(), features((4, 2))
    expected = neck(given).images[-1]
    text = given.text.clone()
    text[0, 4:], text[1, 2:] = 100, -100
    torch.testing.assert_close(neck(given.replace(text=text)).images[-1], expected, rtol=0, atol=1e-5)
    text = given.text.clone()
    text[1, 1] += 1
    changed = neck(given.replace(text=text)).images[-1]
    torch.testing.assert_close(changed[0], expected[0], rtol=0, atol=1e-5)
    assert (changed[1] - expected[1]).abs().max() > 1e-3


def test_without_attention_a_location_sees_itself_and_the_mean_word():
    neck, given = make(cross_attention=False).eval(), features((4, 2))
    mean = torch.stack([given.text[0, :4].mean(0), given.text[1, :2].mean(0)])
    image = neck.project(given.images[-1])
    joined = torch.cat([image, mean[..., None, None].expand_as(image)], dim=1)
    expected = torch.einsum('oc,bchw->bohw', neck.mix.weight, joined) + neck.mix.bias[:, None, None]
    torch.testing.assert_close(neck(given).images[-1], expected.relu())


def test_directions_have_weights_of_their_own_and_the_size_counted_by_hand():
    with torch.device('meta'):
        assert sum(p.numel() for p in DualCrossAttentionFusion().parameters()) == 12_082_688
        assert sum(p.numel() for p in DualCrossAttentionFusion(fuse='tokens').parameters()) == 12_082_688 - 512 * 512


def test_words_of_another_width_and_unknown_fusions_are_refused():
    with pytest.raises(ValueError, match=r'8 wide.*\(2, 5, 6\)'):
        make()(features().replace(text=torch.zeros(2, 5, 6)))
    with pytest.raises(ValueError, match="not 'sum'"):
        make(fuse='sum')
