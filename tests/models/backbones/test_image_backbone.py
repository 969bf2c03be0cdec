import copy
import re

import pytest
import torch

from mmvg.models.backbones import ImageBackbone, StagedEncoder
from mmvg.models.backbones.image_stages import map_to_tokens
from mmvg.models.fusions import PixelWordFusion
from mmvg.weights import CheckpointError

SWIN = dict(embed_dims=8, depths=(1, 2, 1, 1), num_heads=(1, 2, 2, 2), window_size=3, drop_path_rate=0.0)
CONVNEXT = dict(type='timm', model_name='convnext_atto', depths=(1, 2, 1, 1), dims=(8, 16, 24, 32))
MIT = dict(type='mmseg.MixVisionTransformer', embed_dims=8, num_layers=[1, 2, 1, 1], num_heads=[1, 2, 4, 8])
#: Family -> backbone, and how many blocks a fusion sees of each stage.
FAMILIES = {
    'Swin of mmdet': (dict(type='mmdet.SwinTransformer', **SWIN), [1, 2, 1, 1]),
    'Swin of mmseg': (dict(type='mmseg.SwinTransformer', **SWIN), [1, 2, 1, 1]),
    'MixVisionTransformer': (MIT, [1, 2, 1, 1]),
    'PVT': (dict(type='mmdet.PyramidVisionTransformer', embed_dims=8, num_layers=[1, 1, 1, 1]), [2, 2, 2, 2]),
    'PVTv2': (dict(type='mmdet.PyramidVisionTransformerV2', embed_dims=8, num_layers=[1, 2, 1, 1]), [1, 2, 1, 1]),
    'MSCAN': (
        dict(type='mmseg.MSCAN', embed_dims=[8, 16, 24, 32], depths=[1, 2, 1, 1], norm_cfg=dict(type='BN')),
        [1, 2, 1, 1],
    ),
    'ResNet of mmdet': (dict(type='mmdet.ResNet', depth=18, base_channels=8, frozen_stages=1), [2, 2, 2, 2]),
    'ResNet of mmseg, three maps': (
        dict(type='mmseg.ResNetV1c', depth=18, base_channels=8, norm_cfg=dict(type='BN'), out_indices=(1, 2, 3)),
        [2, 2, 2],
    ),
    'CSPNeXt': (dict(type='mmdet.CSPNeXt', deepen_factor=0.2, widen_factor=0.2), [2, 2, 3]),
    'ConvNeXt of timm': (CONVNEXT, [1, 2, 1, 1]),
    'ResNet of timm': (dict(type='timm', model_name='resnet10t', out_indices=(1, 2, 3, 4)), [1, 1, 1, 1]),
    'Swin of timm': (
        dict(type='timm', model_name='swin_tiny_patch4_window7_224', embed_dim=12, depths=(1, 2, 1, 1)),
        [1, 2, 1, 1],
    ),
    'EfficientNet of timm': (dict(type='timm', model_name='efficientnet_lite0', out_indices=(1, 2, 3)), [2, 2, 3]),
}


def tower(backbone, **options):
    torch.manual_seed(0)
    return ImageBackbone(backbone, **options).eval()


def own_maps(backbone, images):
    """What a backbone gives, as (B, C, h, w)."""
    maps = backbone(images)
    return [x.permute(0, 3, 1, 2) for x in maps] if 'NHWC' in str(getattr(backbone, 'output_fmt', '')) else maps


@torch.no_grad()
@pytest.mark.parametrize('family', FAMILIES)
def test_flat_and_staged_without_a_fusion_are_the_backbone_itself(family):
    cfg, num_blocks = FAMILIES[family]
    model = tower(cfg)
    alone = copy.deepcopy(model.backbone)
    images = torch.randn(2, 3, 224, 224)
    expected = own_maps(alone, images)
    assert all(torch.equal(x, y) for x, y in zip(model(images), expected, strict=True))
    assert model.channels == tuple(x.shape[1] for x in expected)
    assert model.strides == tuple(224 // x.shape[-1] for x in expected)

    model.split()
    calls = []

    def keep(stage, blocks, size):
        calls.append((stage, len(blocks)))
        assert all(block.shape == (2, size[0] * size[1], model.channels[stage]) for block in blocks)
        return blocks[-1].clone()  # another tensor, so that it is put in the place of the output

    maps = model(images, keep)
    if 'SwinTransformer' in cfg['type']:  # its maps have norms of their own, which the stages do not
        norms = [getattr(alone, f'norm{i}') for i in range(4)]
        maps = [norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2) for norm, x in zip(norms, maps, strict=True)]
    for x, y in zip(maps, expected, strict=True):
        torch.testing.assert_close(x, y, rtol=0, atol=1e-6)
    assert calls == list(enumerate(num_blocks))


@torch.no_grad()
@pytest.mark.parametrize('family', ['Swin of mmdet', 'MixVisionTransformer', 'ResNet of mmdet', 'Swin of timm'])
def test_the_next_stage_starts_from_what_the_fusion_returns(family):
    model = tower(FAMILIES[family][0])
    model.split()
    images, other = torch.randn(2, 1, 3, 224, 224)
    plain, of_other = [model(x, lambda stage, blocks, size: blocks[-1]) for x in (images, other)]
    swapped = model(images, lambda stage, blocks, size: map_to_tokens(of_other[1]) if stage == 1 else blocks[-1])
    assert torch.equal(swapped[0], plain[0])
    for x, y in zip(swapped[1:], of_other[1:], strict=True):
        torch.testing.assert_close(x, y, rtol=0, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize('family', ['Swin of mmdet', 'MixVisionTransformer', 'MSCAN', 'ConvNeXt of timm'])
def test_sides_need_not_be_multiples_of_the_strides(family):
    model = tower(FAMILIES[family][0])
    model.split()
    maps = model(torch.randn(1, 3, 75, 101), lambda stage, blocks, size: blocks[-1].clone())
    assert maps[0].shape[-2:] in [(19, 26), (18, 25)]
    assert maps[3].shape[-2:] in [(3, 4), (2, 3)]


def test_the_norms_that_only_swins_own_maps_need_are_removed_for_stages():
    model = tower(dict(type='mmdet.SwinTransformer', **SWIN))
    flat = set(model.state_dict())
    model.split()
    assert flat - set(model.state_dict()) == {
        f'backbone.norm{i}.{name}' for i in range(4) for name in ('weight', 'bias')
    }


@torch.no_grad()
def test_stages_can_be_named():
    cfg = dict(type='mmdet.Darknet', depth=53)
    with pytest.raises(ValueError, match=r'Darknet cannot be run in stages: its family is not known.*TwoTowerEncoder'):
        tower(cfg).split()
    model = tower(cfg, stages=('conv_res_block3', 'conv_res_block4', 'conv_res_block5'))
    images = torch.randn(1, 3, 64, 64)
    expected = model.backbone(images)
    model.split()
    for x, y in zip(model(images, lambda stage, blocks, size: blocks[-1].clone()), expected, strict=True):
        torch.testing.assert_close(x, y, rtol=0, atol=1e-6)
    with pytest.raises(ValueError, match=r"no modules \['layer99'\]"):
        tower(MIT, stages=('layers.0.2', 'layer99')).split()
    with pytest.raises(ValueError, match=r"256, 512, 1024\) channels .*'conv_res_block5'\] gave \[\(128, 4\)"):
        tower(cfg, stages=('conv_res_block2', 'conv_res_block4', 'conv_res_block5')).split()


@pytest.mark.parametrize('name', ['vit_tiny_patch16_224', 'hiera_tiny_224'])
def test_tokens_whose_places_are_not_known_are_refused(name):
    model = tower(dict(type='timm', model_name=name))
    assert model.channels
    with pytest.raises(ValueError, match='timm does not tell their places'):
        model.split()


@pytest.mark.parametrize(
    ('cfg', 'message'),
    [
        (dict(type='mmseg.MixVisionTransfomer'), 'nearest names are MixVisionTransformer'),
        (dict(type='mmpretain.ConvNeXt'), 'mmpretain is not installed'),
        (dict(type='timm', model_name='convnext_tini'), 'nearest names are .*convnext_tiny'),
        (dict(type='timm', model_name='resnet18', pretrained=True), 'never downloaded'),
    ],
)
def test_what_is_not_there_is_named(cfg, message):
    with pytest.raises(ValueError, match=message):
        tower(cfg)


def test_an_unknown_option_is_refused():
    with pytest.raises(TypeError, match='depth_of_stages'):
        tower(CONVNEXT | dict(depth_of_stages=3))


@pytest.mark.parametrize('cfg', [MIT, CONVNEXT])
def test_it_is_built_without_memory(cfg):
    with torch.device('meta'):
        model = ImageBackbone(cfg)
    model.split()
    assert all(parameter.is_meta for parameter in model.parameters())
    assert model.strides == (4, 8, 16, 32)


def test_frozen_stages_stay_frozen():
    model = tower(dict(type='mmdet.ResNet', depth=18, base_channels=8, frozen_stages=1, norm_eval=True)).train()
    assert model.training
    assert not model.backbone.bn1.training
    assert not any(parameter.requires_grad for parameter in model.backbone.layer1.parameters())


def staged(image, image_channels=(8, 16, 32, 64), **options):
    return StagedEncoder(
        image=dict(type=ImageBackbone, backbone=image),
        text=dict(type='BertTextEncoder', embed_dims=16, num_layers=4, num_heads=2, ffn_channels=32, vocab_size=50),
        fusion=dict(type=PixelWordFusion, image_channels=image_channels, text_channels=16),
        **options,
    )


@pytest.mark.parametrize('options', [{}, dict(layer_fusion=True)], ids=['plain', 'with the maps of all blocks'])
@pytest.mark.parametrize(
    'family', ['Swin of mmdet', 'MixVisionTransformer', 'ConvNeXt of timm', 'ResNet of mmseg, three maps']
)
def test_lavts_fusion_meets_every_stage_and_every_parameter_learns(family, options, awake, unlearned):
    torch.manual_seed(0)
    cfg = FAMILIES[family][0]
    channels = ImageBackbone(cfg).channels
    model = awake(staged(cfg, channels, **options))
    ids, mask = torch.randint(1, 50, (2, 6)), torch.ones(2, 6, dtype=torch.bool)
    out = model(torch.randn(2, 3, 64, 64), ids, mask)
    assert tuple(x.shape[1] for x in out.images) == channels
    sum(x.square().mean() for x in out.images).backward()
    assert [name for name in unlearned(model) if model.get_parameter(name).requires_grad] == []
    again = model.eval()(torch.randn(2, 3, 64, 64), ids.flip(0), mask)
    assert torch.isfinite(again.images[0]).all()


def test_a_fusion_of_other_widths_is_refused():
    with pytest.raises(
        ValueError, match=re.escape('fusion.image_channels is (8, 16, 32, 65), but the encoder has (8, 16')
    ):
        staged(MIT, (8, 16, 32, 65))


def test_a_copy_runs_its_own_stages():
    model = staged(MIT).eval()
    copied = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in copied.image.parameters():
            parameter.zero_()
        ids, mask = torch.ones(1, 3, dtype=torch.long), torch.ones(1, 3, dtype=torch.bool)
        images = torch.randn(1, 3, 64, 64)
        assert copied(images, ids, mask).unfused.abs().max() == 0
        assert model(images, ids, mask).unfused.abs().max() > 0


# Weights


def segformers_names(state):
    """A state dict of mmsegmentation's MixVisionTransformer under the names of SegFormer's authors."""
    theirs = {}
    for name, value in state.items():
        stage = int(name.split('.')[1]) + 1
        name = re.sub(r'layers\.\d+\.0\.projection', f'patch_embed{stage}.proj', name)
        name = re.sub(r'layers\.\d+\.0\.', f'patch_embed{stage}.', name)
        name = re.sub(r'layers\.\d+\.1\.', f'block{stage}.', name)
        name = re.sub(r'layers\.\d+\.2\.', f'norm{stage}.', name)
        name = name.replace('attn.attn.out_proj', 'attn.proj').replace('ffn.layers.1', 'mlp.dwconv.dwconv')
        for ours, layer in (('ffn.layers.0', 'mlp.fc1'), ('ffn.layers.4', 'mlp.fc2')):
            if ours in name:
                name, value = name.replace(ours, layer), value.flatten(1) if value.ndim == 4 else value
        if 'attn.attn.in_proj_' in name:
            width = len(value) // 3
            theirs[name.replace('attn.attn.in_proj_', 'attn.q.')] = value[:width]
            theirs[name.replace('attn.attn.in_proj_', 'attn.kv.')] = value[width:]
        else:
            theirs[name] = value
    return theirs


def assert_loads(cfg, state, path, **options):
    """A file with ``state`` gives the model back whose names are those of ``cfg``'s backbone."""
    torch.save(state, path)
    model = tower(cfg, checkpoint=str(path), **options)
    model.init_weights()
    return model.backbone.state_dict()


def trained(cfg):
    model = tower(cfg)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_()
    return model.backbone.state_dict()


def test_segformers_own_file_is_read(tmp_path):
    state = trained(MIT)
    theirs = segformers_names(state) | {'head.weight': torch.zeros(10, 64), 'head.bias': torch.zeros(10)}
    assert 'block2.1.attn.kv.weight' in theirs
    assert 'patch_embed1.proj.weight' in theirs
    read = assert_loads(MIT, theirs, tmp_path / 'mit.pth')
    assert all(torch.equal(read[name], value) for name, value in state.items())


def test_a_whole_model_of_mmsegmentation_gives_its_backbone(tmp_path):
    state = trained(MIT)
    whole = {f'backbone.{name}': value for name, value in state.items()} | {'decode_head.conv.weight': torch.zeros(1)}
    read = assert_loads(MIT, dict(state_dict=whole), tmp_path / 'segformer.pth')
    assert all(torch.equal(read[name], value) for name, value in state.items())


@pytest.mark.parametrize(
    'cfg', [CONVNEXT, CONVNEXT | dict(out_indices=(0, 1)), dict(type='timm', model_name='efficientformer_l1')]
)
def test_timms_own_file_is_read(cfg, tmp_path):
    import timm

    options = {key: value for key, value in cfg.items() if key not in ('type', 'out_indices')}
    whole = timm.create_model(**options)
    read = assert_loads(cfg, whole.state_dict(), tmp_path / 'timm.pth')
    own = {re.sub(r'^(stages)_', r'\1.', name).removeprefix('model.'): value for name, value in read.items()}
    own = {re.sub(r'^(stem)_', r'\1.', name): value for name, value in own.items()}
    assert own
    assert all(torch.equal(whole.state_dict()[name], value) for name, value in own.items())


def test_swins_tables_are_resized_to_other_windows(tmp_path):
    cfg = dict(type='mmdet.SwinTransformer', **SWIN)
    state = trained(cfg)
    for name, value in state.items():
        if 'bias_table' in name:
            value.fill_(0.25)
    read = assert_loads(cfg | dict(window_size=4), state, tmp_path / 'swin.pth')
    table = read['stages.0.blocks.0.attn.w_msa.relative_position_bias_table']
    torch.testing.assert_close(table, torch.full((49, 1), 0.25))


def test_a_file_of_another_size_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match=r'(?s)mit\.pth does not fit MixVisionTransformer.*layers\.0'):
        assert_loads(MIT | dict(embed_dims=16), trained(MIT), tmp_path / 'mit.pth')
    with pytest.raises(FileNotFoundError, match='never downloaded'):
        tower(MIT, checkpoint=str(tmp_path / 'nothing.pth')).init_weights()


def test_weights_for_stages_may_have_the_norms_of_the_maps(tmp_path):
    cfg = dict(type='mmdet.SwinTransformer', **SWIN)
    torch.save(trained(cfg), tmp_path / 'swin.pth')
    model = tower(cfg, checkpoint=str(tmp_path / 'swin.pth'))
    model.split()
    model.init_weights()
