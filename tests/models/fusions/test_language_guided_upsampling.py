import pytest
import torch

from mmvg.models import GroundingFeatures
from mmvg.models.fusions import LanguageGuidedUpsampling


def make(**changes):
    settings = dict(
        in_channels=8,
        skip_channels=(12, 6, 4),
        joined_channels=(8, 6, 4),
        out_channels=(8, 6, 4),
        plain_channels=(4, 3),
        sentence_channels=10,
    )
    torch.manual_seed(0)
    return LanguageGuidedUpsampling(**settings | changes)


def features(batch=2):
    sides = ((4, 16), (6, 8), (12, 4), (8, 2))
    return GroundingFeatures(
        images=[torch.randn(batch, channels, side, side) for channels, side in sides], sentence=torch.randn(batch, 10)
    )


@pytest.mark.parametrize('batch', [1, 2])
@pytest.mark.parametrize('attentive', [True, False])
def test_the_map_reaches_the_size_of_the_input(batch, attentive, awake, unlearned):
    neck = awake(make(attentive=attentive))
    out = neck(features(batch)).pixels
    assert out.shape == (batch, 3, 64, 64)
    (out * torch.randn_like(out)).sum().backward()
    assert unlearned(neck) == []


def test_fewer_plain_stages_give_a_smaller_map():
    assert make(plain_channels=())(features()).pixels.shape == (2, 4, 16, 16)


def test_only_the_attentive_stages_listen():
    given = features()
    other = given.replace(sentence=torch.randn(2, 10))
    for attentive in (True, False):
        neck = make(attentive=attentive).eval()
        for stage in neck.stages:
            if attentive:
                torch.nn.init.normal_(stage.film.mlp[-1].weight)
        same = torch.allclose(neck(given).pixels, neck(other).pixels)
        assert same is not attentive


def test_missing_maps_and_sentences_are_named():
    given = features()
    with pytest.raises(ValueError, match='3 skip maps and a coarse one, it got 3 maps'):
        make()(given.replace(images=given.images[1:]))
    with pytest.raises(ValueError, match='sentence vector'):
        make()(given.replace(sentence=None))


def test_size_is_that_counted_by_hand():
    with torch.device('meta'):
        neck = LanguageGuidedUpsampling()
    assert sum(p.numel() for p in neck.parameters()) == 17_964_096 + 15_342_144 + 5_738_528 + 1_180_672
