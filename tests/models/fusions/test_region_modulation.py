import pytest
import torch
import torch.nn.functional as F

from mmvg.models.features import GroundingFeatures
from mmvg.models.fusions import RegionModulation


def features(channels=(3, 3, 3, 3), sizes=((8, 4),) * 4, anchors=16):
    torch.manual_seed(0)
    images = [torch.randn(2, c, *size) for c, size in zip(channels, sizes, strict=True)]
    return GroundingFeatures(images=images, anchors=None if anchors is None else torch.randn(2, anchors, channels[-1]))


def test_every_position_is_multiplied_with_the_anchor_of_its_region():
    given = features()
    result = RegionModulation(in_channels=(3, 3, 3), anchor_channels=3)(given).images
    assert [tuple(x.shape) for x in result] == [(2, 9, 8, 4)]
    for row in range(8):
        for column in range(4):
            anchor = given.anchors[:, (row // 2) * 4 + column]
            for i, image in enumerate(given.images[1:]):
                expected = image[:, :, row, column] * anchor
                torch.testing.assert_close(result[0][:, 3 * i : 3 * i + 3, row, column], expected)


@pytest.mark.parametrize('anchor', [0, 5, 15])
def test_an_anchor_touches_its_own_cell_only(anchor):
    given = features()
    given.anchors[:] = 0
    given.anchors[:, anchor] = 1
    result = RegionModulation(in_channels=(3, 3, 3), anchor_channels=3)(given).images[0]
    row, column = divmod(anchor, 4)
    outside = result.clone()
    outside[:, :, 2 * row : 2 * row + 2, column] = 0
    assert not outside.any()
    assert result.any()


def test_stages_of_other_widths_and_sizes_come_to_those_of_the_first():
    given = features((2, 4, 8, 16), ((32, 32), (16, 16), (8, 8), (4, 4)))
    neck = RegionModulation(in_channels=(4, 8, 16), anchor_channels=16, out_channels=6)
    result = neck(given).images[0]
    assert result.shape == (2, 18, 16, 16)
    coarse = F.interpolate(neck.project[2](given.images[3]), size=(16, 16), mode='bilinear')
    weights = neck.project_anchors(given.anchors)[:, 1 * 4 + 3]
    torch.testing.assert_close(result[:, 12:, 5, 14], coarse[:, :, 5, 14] * weights)


def test_without_anchors_maps_are_only_joined():
    given = features(anchors=None)
    assert torch.equal(RegionModulation(in_channels=(3, 3))(given).images[0], torch.cat(given.images[2:], 1))


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match='set out_channels'):
        RegionModulation(in_channels=(4, 8), anchor_channels=8)
    with pytest.raises(ValueError, match='joins 5 maps, but the encoder gave 4'):
        RegionModulation(in_channels=(3,) * 5, anchor_channels=3)(features())
    with pytest.raises(ValueError, match='anchor_channels=3, but the encoder gave no anchors'):
        RegionModulation(in_channels=(3, 3, 3), anchor_channels=3)(features(anchors=None))
    with pytest.raises(ValueError, match='anchor_channels=None, but the encoder gave 16 anchors'):
        RegionModulation(in_channels=(3, 3, 3))(features())
    with pytest.raises(ValueError, match='4 x 4 regions do not divide a map of 6 x 4 cells'):
        RegionModulation(in_channels=(3, 3, 3), anchor_channels=3)(features(sizes=((6, 4),) * 4))
