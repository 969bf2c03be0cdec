"""``tools/model_converters/instancevg.py SRC DST``, which is ``mmvg convert``."""

import argparse
import runpy
import sys
from pathlib import Path

import pytest
import torch
from released_lavt import TINY, lavt_shapes, random_weights

from mmvg.models.backbones import BEiT3
from mmvg.weights.checkpoint import load_checkpoint_file

TOOL = Path(__file__).parents[2] / 'tools/model_converters/instancevg.py'
SIZES = dict(patch_size=8, embed_dims=8, num_layers=1, num_heads=2, vocab_size=9, max_text_positions=5)


@pytest.fixture
def convert(monkeypatch, capsys):
    def run(*args):
        monkeypatch.setattr(sys, 'argv', ['instancevg.py', *map(str, args)])
        runpy.run_path(str(TOOL), run_name='__main__')
        return capsys.readouterr().out

    return run


@pytest.fixture
def microsoft(tmp_path):
    state = {f'beit3.{name}': value for name, value in BEiT3(img_size=16, **SIZES).state_dict().items()}
    state['beit3.vision_embed.mask_token'] = torch.zeros(1, 1, 8)
    torch.save(dict(model=state), tmp_path / 'beit3.pth')
    return tmp_path / 'beit3.pth'


@pytest.mark.parametrize('name', ['ours.pth', 'ours.safetensors'])
def test_the_result_is_for_the_backbone_and_says_where_it_comes_from(tmp_path, convert, microsoft, name):
    printed = convert(microsoft, tmp_path / name, '--img-size', 32)
    model = BEiT3(img_size=32, checkpoint=str(tmp_path / name), **SIZES)
    model.init_weights()
    numbers = sum(p.numel() for p in model.parameters())
    assert f'{len(model.state_dict())} tensors, {numbers:,} numbers (beit3 layout)' in printed
    assert 'left out: beit3.vision_embed.mask_token' in printed
    meta = load_checkpoint_file(tmp_path / name)['meta']
    assert (meta['source'], meta['layout'], meta['img_size']) == ('beit3.pth', 'beit3', '32')


def test_what_a_system_was_trained_with_and_what_is_left_out_are_printed(tmp_path, convert):
    state = random_weights(lavt_shapes(TINY), TINY)
    arguments = argparse.Namespace(swin_type='base', mha='4-4-4-4', lr=5e-5)
    torch.save(dict(model=state, args=arguments), tmp_path / 'refcoco.pth')
    printed = convert(tmp_path / 'refcoco.pth', tmp_path / 'ours.safetensors')
    assert '(lavt layout)' in printed
    assert "trained with: swin_type='base', mha='4-4-4-4'" in printed
    assert 'left out: text_encoder.embeddings.position_ids, backbone.layers.3.res_gate.0.weight' in printed


def test_mistakes_end_with_a_message(tmp_path, convert, microsoft, capsys):
    for args, message in (
        ((tmp_path / 'none.pth', tmp_path / 'ours.pth'), 'none.pth: no such file'),
        ((microsoft, tmp_path / 'ours.bin'), 'must end in .pth or .safetensors'),
        ((microsoft, tmp_path / 'ours.pth', '--ema'), 'has no ema_state_dict'),
    ):
        with pytest.raises(SystemExit) as stop:
            convert(*args)
        assert stop.value.code == 2
        assert message in capsys.readouterr().err
    assert not (tmp_path / 'ours.pth').exists()
