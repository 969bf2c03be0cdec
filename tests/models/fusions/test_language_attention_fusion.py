import pytest
import torch
import torch.nn.functional as F

from mmvg.models.fusions import LanguageAttentionFusion


def make(**changes):
    settings = dict(deep_channels=8, skip_channels=6, joined_channels=4, out_channels=5, sentence_channels=7)
    torch.manual_seed(0)
    return LanguageAttentionFusion(**settings | changes)


@pytest.mark.parametrize('batch', [1, 2])
def test_the_result_has_the_size_of_the_skip_map(batch, awake, unlearned):
    module = awake(make())
    out = module(torch.randn(batch, 8, 3, 5), torch.randn(batch, 6, 7, 9), torch.randn(batch, 7))
    assert out.shape == (batch, 5, 7, 9)
    out.sum().backward()
    assert unlearned(module) == []


def test_attention_is_that_of_the_equations():
    module = make().eval()
    torch.nn.init.normal_(module.film.mlp[-1].weight)
    deep, skip, sentence = torch.randn(2, 8, 2, 2), torch.randn(2, 6, 4, 4), torch.randn(2, 7)
    x = torch.cat([F.interpolate(deep, scale_factor=2, mode='bilinear'), module.skip(skip)], 1)
    gamma, beta = module.film.mlp(sentence).chunk(2, 1)
    x = (1 + gamma)[..., None, None] * x + beta[..., None, None]
    pixel = torch.sigmoid(module.pixel_attention[0](x))
    first, second = module.channel_attention[0], module.channel_attention[2]
    channel = torch.sigmoid(second(F.relu(first(x.mean(dim=(2, 3))))))
    expected = module.out(x * pixel * channel[:, :, None, None])
    torch.testing.assert_close(module(deep, skip, sentence), expected)
    assert pixel.shape == x.shape  # one weight per pixel and channel


def test_without_attention_the_sentence_is_not_read():
    module = make(attentive=False)
    assert {name.split('.')[0] for name, _ in module.named_parameters()} == {'skip', 'out'}
    assert module(torch.randn(1, 8, 2, 2), torch.randn(1, 6, 4, 4), None).shape == (1, 5, 4, 4)


def test_the_channel_attention_of_a_narrow_map_keeps_a_hidden_channel():
    assert make(deep_channels=2, joined_channels=2).channel_attention[0].out_features == 1


def test_size_is_that_counted_by_hand():
    with torch.device('meta'):
        stages = (
            LanguageAttentionFusion(512, 1024, 512, 512, 1024),
            LanguageAttentionFusion(512, 512, 512, 256, 1024),
            LanguageAttentionFusion(256, 256, 256, 256, 1024),
        )
    assert [sum(p.numel() for p in stage.parameters()) for stage in stages] == [17_964_096, 15_342_144, 5_738_528]
