import pytest
import torch
from mmdet.models.backbones import SwinTransformer

from mmvg.models.backbones import ConvStem, SwinStages
from mmvg.weights.checkpoint import CheckpointError

TINY = dict(embed_dims=8, depths=(2, 2, 1, 1), num_heads=(1, 2, 2, 4), window_size=3, drop_path_rate=0.0)


def tiny(**options):
    torch.manual_seed(0)
    model = SwinStages(**TINY | options)
    model.init_weights()
    return model.eval()


def run(model, images):
    """Outputs of all stages, as Swin itself runs them."""
    tokens, size = model.embed(images)
    outputs = []
    for stage in range(4):
        tokens = model.run_stage(stage, tokens, size)[-1]
        outputs.append(tokens.transpose(1, 2).unflatten(2, tuple(size)))
        if stage < 3:
            tokens, size = model.merge(stage, tokens, size)
    return outputs


@torch.no_grad()
def test_its_stages_one_after_the_other_are_mmdets_swin():
    model = tiny()
    swin = SwinTransformer(**TINY, out_indices=(3,))
    swin.eval()
    swin.load_state_dict(model.state_dict(), strict=False)
    images = torch.randn(2, 3, 64, 96)
    expected = swin(images)[0]
    outputs = run(model, images)
    assert [tuple(x.shape[1:]) for x in outputs] == [(8, 16, 24), (16, 8, 12), (32, 4, 6), (64, 2, 3)]
    torch.testing.assert_close(swin.norm3(outputs[3].permute(0, 2, 3, 1)).permute(0, 3, 1, 2), expected)
    assert model.channels == (8, 16, 32, 64)
    assert model.strides == (4, 8, 16, 32)


def microsoft_names(state):
    """A state dict of mmdet in Microsoft's layout, whose patch merging concatenates in another order."""
    names = {
        'patch_embed.projection': 'patch_embed.proj',
        'stages': 'layers',
        'attn.w_msa': 'attn',
        'ffn.layers.0.0': 'mlp.fc1',
        'ffn.layers.1': 'mlp.fc2',
    }
    renamed = {}
    for name, value in state.items():
        if 'downsample.reduction' in name:
            out, channels = value.shape
            value = value.reshape(out, channels // 4, 4).transpose(1, 2)[:, [0, 2, 1, 3]].reshape(out, channels)
        elif 'downsample.norm' in name:
            value = value.reshape(-1, 4).t()[[0, 2, 1, 3]].reshape(-1)
        for ours, theirs in names.items():
            name = name.replace(ours, theirs)
        renamed[name] = value
    return renamed


@torch.no_grad()
def test_microsofts_file_is_read(tmp_path):
    trained = tiny()
    for parameter in trained.parameters():
        parameter.normal_()
    state = microsoft_names(trained.state_dict())
    state |= {'head.weight': torch.zeros(10, 64), 'norm.weight': torch.zeros(64), 'norm.bias': torch.zeros(64)}
    state['layers.0.blocks.1.attn_mask'] = torch.zeros(4, 9, 9)
    torch.save(dict(model=state), tmp_path / 'swin.pth')
    model = tiny(checkpoint=str(tmp_path / 'swin.pth'))
    for name, value in trained.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], value)


@torch.no_grad()
def test_tables_of_another_window_are_resized(tmp_path):
    trained = tiny()
    for name, parameter in trained.named_parameters():
        if 'bias_table' in name:
            parameter.fill_(0.25)
    torch.save(trained.state_dict(), tmp_path / 'swin.pth')
    model = tiny(window_size=4, checkpoint=str(tmp_path / 'swin.pth'))
    table = model.stages[0].blocks[0].attn.w_msa.relative_position_bias_table
    assert table.shape == (49, 1)
    torch.testing.assert_close(table, torch.full_like(table, 0.25))


def test_a_file_of_another_model_is_refused(tmp_path):
    torch.save(tiny(depths=(2, 2, 2, 1)).state_dict(), tmp_path / 'swin.pth')
    with pytest.raises(CheckpointError, match=r'(?s)swin\.pth does not fit.*stages\.2\.blocks\.1'):
        tiny(checkpoint=str(tmp_path / 'swin.pth'))
    with pytest.raises(FileNotFoundError, match='never downloaded'):
        tiny(checkpoint=str(tmp_path / 'nothing.pth'))


@torch.no_grad()
def test_a_stem_takes_the_place_of_the_patches():
    model = tiny(stem=dict(type=ConvStem, channels=(4, 6)))
    assert run(model, torch.randn(1, 3, 64, 64))[0].shape == (1, 8, 16, 16)


def test_swin_base_has_its_size():
    with torch.device('meta'):
        model = SwinStages()
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(86.88e6, rel=1e-3)
