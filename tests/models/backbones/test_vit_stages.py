import pickle

import pytest
import torch
import torch.nn.functional as F
from timm.models.vision_transformer import VisionTransformer

from mmvg.models.backbones import ConvStem, ViTStages
from mmvg.models.backbones.vit_stages import resize_positions
from mmvg.weights.checkpoint import CheckpointError

TINY = dict(img_size=32, patch_size=8, embed_dims=8, num_layers=4, num_heads=2, num_stages=2, drop_path_rate=0.0)


def timm_vit(img_size=32, class_token=True):
    torch.manual_seed(3)
    return VisionTransformer(
        img_size=img_size, patch_size=8, embed_dim=8, depth=4, num_heads=2, num_classes=5, class_token=class_token,
        global_pool='token' if class_token else 'avg',
    )  # fmt: skip


def run(stages, images):
    tokens, size = stages.embed(images)
    outputs = []
    for stage in range(len(stages.channels)):
        blocks = stages.run_stage(stage, tokens, size)
        outputs += blocks
        tokens, size = stages.merge(stage, blocks[-1], size)
    return outputs


@torch.no_grad()
def test_the_stages_one_after_the_other_are_the_transformer_of_timm(tmp_path):
    reference = timm_vit(class_token=False).eval()
    torch.save(reference.state_dict(), tmp_path / 'vit.pth')
    stages = ViTStages(**TINY, checkpoint=str(tmp_path / 'vit.pth')).eval()
    stages.init_weights()
    images = torch.randn(2, 3, 32, 32)
    outputs = run(stages, images)
    assert [tuple(x.shape) for x in outputs] == [(2, 16, 8)] * 4
    torch.testing.assert_close(reference.norm(outputs[-1]), reference.forward_features(images))
    assert (stages.channels, stages.strides) == ((8, 8), (8, 8))


@torch.no_grad()
def test_a_file_with_a_class_token_and_another_grid_is_cut_and_resized(tmp_path):
    reference = timm_vit(img_size=64)
    torch.save(dict(model=reference.state_dict()), tmp_path / 'mae.pth')
    stages = ViTStages(**TINY, checkpoint=str(tmp_path / 'mae.pth'))
    stages.init_weights()
    patches = reference.pos_embed[:, 1:].reshape(1, 8, 8, 8).permute(0, 3, 1, 2)
    expected = F.interpolate(patches, size=(4, 4), mode='bicubic', align_corners=False)
    torch.testing.assert_close(stages.vit.pos_embed[0].T.reshape(8, 4, 4), expected[0])
    torch.testing.assert_close(stages.vit.blocks[3].mlp.fc2.weight, reference.blocks[3].mlp.fc2.weight)


def test_positions_of_the_same_grid_are_only_cut():
    table = torch.arange(17.0).reshape(1, 17, 1)
    assert torch.equal(resize_positions(table, True, 4), table[:, 1:])
    assert torch.equal(resize_positions(table[:, 1:], False, 4), table[:, 1:])


def test_a_missing_file_and_one_of_another_size_are_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match='never downloaded'):
        ViTStages(**TINY, checkpoint=str(tmp_path / 'absent.pth')).init_weights()
    torch.save(timm_vit().state_dict(), tmp_path / 'vit.pth')
    with pytest.raises(CheckpointError, match=r'blocks\.4'):
        ViTStages(**TINY | dict(num_layers=6), checkpoint=str(tmp_path / 'vit.pth')).init_weights()


def test_a_convolutional_stem_takes_the_place_of_the_patches():
    stages = ViTStages(**TINY, patch_embed=dict(type=ConvStem, channels=(4, 4, 8)), weight_std=0.3)
    stages.init_weights()
    assert [tuple(x.shape) for x in run(stages, torch.randn(2, 3, 32, 32))] == [(2, 16, 8)] * 4
    assert stages.vit.blocks[0].mlp.fc1.weight.std().item() == pytest.approx(0.3, rel=0.2)


WINDOWED = TINY | dict(window=3, global_blocks=(1, 3))


@torch.no_grad()
def test_a_detector_of_detectron2_gives_its_transformer_with_positions_for_another_size(tmp_path):
    """Names, shapes and the class token's row of positions as in ViTDet's files, which pickle arrays."""
    torch.manual_seed(0)
    state = {f'backbone.net.{name}': value for name, value in timm_vit(class_token=False).state_dict().items()}
    state = {
        name: value for name, value in state.items() if not name.startswith(('backbone.net.norm', 'backbone.net.head'))
    }
    state['backbone.net.pos_embed'] = torch.randn(1, 10, 8)
    for i in range(4):
        rows = 2 * (8 if i in (1, 3) else 3) - 1  # of 64 pixels
        state |= {f'backbone.net.blocks.{i}.attn.rel_pos_{axis}': torch.randn(rows, 4) for axis in 'hw'}
    others = {'backbone.simfp_2.0.weight': torch.ones(2), 'roi_heads.mask_head.weight': torch.ones(2)}
    arrays = {name: value.numpy() for name, value in (state | others).items()}
    (tmp_path / 'vitdet.pkl').write_bytes(pickle.dumps(dict(model=arrays)))
    stages = ViTStages(**WINDOWED, checkpoint=str(tmp_path / 'vitdet.pkl'))
    stages.init_weights()
    blocks = stages.vit.blocks
    assert [len(block.attn.rel_pos_w) for block in blocks] == [5, 7, 5, 7]
    assert torch.equal(blocks[0].attn.rel_pos_h, state['backbone.net.blocks.0.attn.rel_pos_h'])
    expected = F.interpolate(state['backbone.net.blocks.3.attn.rel_pos_w'].T[None], size=7, mode='linear')[0].T
    assert torch.equal(blocks[3].attn.rel_pos_w, expected)
    assert torch.equal(blocks[2].attn.qkv.weight, state['backbone.net.blocks.2.attn.qkv.weight'])
    patches = state['backbone.net.pos_embed'][:, 1:].view(1, 3, 3, 8).permute(0, 3, 1, 2)
    patches = F.interpolate(patches, size=(4, 4), mode='bicubic', align_corners=False)
    torch.testing.assert_close(stages.vit.pos_embed[0].T, patches[0].flatten(1))


@torch.no_grad()
def test_without_relative_positions_in_the_file_blocks_that_attend_everywhere_are_plain(tmp_path):
    reference = timm_vit(class_token=False)
    torch.save(reference.state_dict(), tmp_path / 'vit.pth')
    plain, windowed = (
        ViTStages(**TINY, checkpoint=str(tmp_path / 'vit.pth'), **options).eval()
        for options in ({}, dict(window=3, global_blocks=range(4)))
    )
    for stages in (plain, windowed):
        stages.init_weights()
    images = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(plain(images)[-1], windowed(images)[-1])


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match='num_stages 4 must divide num_layers 6'):
        ViTStages(num_layers=6)
    with pytest.raises(ValueError, match='built for 32 pixels a side'):
        ViTStages(**TINY).embed(torch.zeros(1, 3, 64, 64))
