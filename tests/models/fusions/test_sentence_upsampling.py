import pytest
import torch

from mmvg.models import GroundingFeatures
from mmvg.models.fusions import SentenceUpsampling
from mmvg.models.fusions.sentence_upsampling import SentenceConcat


def neck(**settings):
    torch.manual_seed(0)
    return SentenceUpsampling(in_channels=8, sentence_channels=6, channels=(8, 4, 4), **settings)


def features(sentence=True):
    torch.manual_seed(1)
    return GroundingFeatures(images=[torch.randn(2, 8, 6, 5)], sentence=torch.randn(2, 6) if sentence else None)


def test_concatenation_is_a_convolution_of_map_and_sentence_side_by_side():
    part, x, sentence = SentenceConcat(8, 6), torch.randn(2, 8, 3, 4), torch.randn(2, 6)
    both = torch.cat([x, sentence[..., None, None].expand(-1, -1, 3, 4)], 1)
    weight = torch.cat([part.of_map.weight, part.of_sentence.weight[..., None, None]], 1)
    expected = torch.conv2d(both, weight, part.of_map.bias).relu()
    torch.testing.assert_close(part(x, sentence), expected)


@pytest.mark.parametrize('fusion', ['concat', 'film'])
def test_another_sentence_gives_other_maps_and_every_weight_learns(fusion, awake, unlearned):
    part = awake(neck(fusion=fusion))
    given = features()
    pixels = part(given).pixels
    assert pixels.shape == (2, 4, 24, 20)
    other = part(given.replace(sentence=given.sentence.flip(0))).pixels
    assert (pixels - other).abs().max() > 1e-3
    pixels.square().sum().backward()
    assert unlearned(part) == []


def test_without_fusion_no_sentence_is_read():
    assert neck(fusion='none')(features(sentence=False)).pixels.shape == (2, 4, 24, 20)


@pytest.mark.parametrize('fusion', ['concat', 'film'])
def test_a_missing_sentence_is_said(fusion):
    with pytest.raises(ValueError, match='sentence vector'):
        neck(fusion=fusion)(features(sentence=False))


def test_an_unknown_fusion_is_refused():
    with pytest.raises(ValueError, match=r'SentenceUpsampling\.fusion'):
        neck(fusion='add')
