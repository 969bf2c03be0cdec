import pytest
import torch
from mmengine.registry import DefaultScope

from mmvg.models.features import GroundingFeatures
from mmvg.models.necks import DecodeHeadNeck
from mmvg.registry import MODELS

WIDTHS = [8, 16, 24, 32]
ALL = dict(in_channels=WIDTHS, in_index=[0, 1, 2, 3], channels=12, dropout_ratio=0.0)
LAST = dict(in_channels=32, in_index=3, channels=12, dropout_ratio=0.0)
HEADS = {
    'SegformerHead': (dict(ALL), 16),
    'UPerHead': (ALL | dict(pool_scales=(1, 2)), 16),
    'FPNHead': (ALL | dict(feature_strides=(4, 8, 16, 32)), 16),
    'PSPHead': (LAST | dict(pool_scales=(1, 2)), 2),
    'ASPPHead': (LAST | dict(dilations=(1, 2)), 2),
    'FCNHead': (LAST | dict(num_convs=1), 2),
    'LightHamHead': (ALL | dict(ham_channels=16, norm_cfg=dict(type='GN', num_groups=4)), 16),
}


def features():
    generator = torch.Generator().manual_seed(0)
    return GroundingFeatures(
        images=[torch.randn(2, c, 16 // 2**i, 16 // 2**i, generator=generator) for i, c in enumerate(WIDTHS)]
    )


def build(name):
    torch.manual_seed(0)
    head = dict(type=f'mmseg.{name}', **HEADS[name][0])
    if name == 'FPNHead':
        head['in_channels'] = [16] * 4
    return DecodeHeadNeck(head)


@pytest.mark.parametrize('name', [name for name in HEADS if name != 'FPNHead'])
def test_pixels_are_what_the_heads_classifier_would_read(name):
    cfg, side = HEADS[name]
    neck = build(name).eval()
    neck.init_weights()
    head = MODELS.build(dict(type=f'mmseg.{name}', **cfg, num_classes=3)).eval()
    head.load_state_dict(neck.decode_head.state_dict(), strict=False)
    torch.manual_seed(1)  # LightHamHead draws its bases
    pixels = neck(features()).pixels
    assert pixels.shape == (2, 12, side, side)
    torch.manual_seed(1)
    torch.testing.assert_close(head.conv_seg(pixels), head(features().images), rtol=0, atol=1e-6)


def test_every_parameter_learns(unlearned):
    neck = build('SegformerHead').train()
    neck(features()).pixels.square().mean().backward()
    assert unlearned(neck) == []


def test_a_head_that_gives_more_than_its_classifiers_map_is_refused():
    neck = DecodeHeadNeck(dict(type='mmseg.EncHead', **ALL | dict(channels=8), num_codes=4))
    with pytest.raises(ValueError, match='EncHead gave tuple, not maps with channels=8'):
        neck(features())


def test_names_inside_a_head_are_mmsegs_whatever_the_default_scope_is():
    DefaultScope.get_instance('test', scope_name='mmvg')
    assert type(build('SegformerHead').decode_head.loss_decode).__module__.startswith('mmseg.')
