import pytest
import torch

from mmvg.models.features import GroundingFeatures
from mmvg.models.necks import FeatureProjection


def features(maps=1, sentence=True):
    return GroundingFeatures(
        images=[torch.randn(2, 6, 3, 4) for _ in range(maps)],
        text=torch.randn(2, 5, 8),
        text_mask=torch.ones(2, 5, dtype=torch.bool),
        sentence=torch.randn(2, 8) if sentence else None,
    )


def test_projects_each_pixel_and_token_linearly_and_passes_the_rest():
    given, neck = features(), FeatureProjection(6, 8, 4)
    out = neck(given)
    expected = torch.einsum('oc,bchw->bohw', neck.image.weight[..., 0, 0], given.images[0])
    assert torch.allclose(out.images[0], expected, atol=1e-5)
    assert torch.allclose(out.text, given.text @ neck.text.weight.T, atol=1e-5)
    assert out.sentence is given.sentence
    assert out.text_mask is given.text_mask
    assert sorted(neck.state_dict()) == ['image.weight', 'text.weight']


def test_sentence_is_projected_if_asked_for():
    given, neck = features(), FeatureProjection(6, 8, 4, sentence=True)
    assert torch.allclose(neck(given).sentence, given.sentence @ neck.sentence.weight.T, atol=1e-5)


def test_missing_sentence_and_several_maps_are_refused():
    with pytest.raises(ValueError, match='sentence vector'):
        FeatureProjection(6, 8, 4, sentence=True)(features(sentence=False))
    with pytest.raises(ValueError, match='one feature map, the backbone gave 2'):
        FeatureProjection(6, 8, 4)(features(maps=2))
