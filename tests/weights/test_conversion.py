"""Official files become ours: every weight of ours is filled, and what is dropped is on a list."""

import copy

import numpy as np
import pytest
import torch

from mmvg.config import read_config
from mmvg.models.backbones import BEiT3
from mmvg.registry import MODELS
from mmvg.weights.checkpoint import CheckpointError, load_weights, save_weights
from mmvg.weights.conversion import (
    convert_beit3,
    convert_checkpoint,
    convert_instancevg,
    resize_image_positions,
    resize_patches,
)
from mmvg.weights.conversion.instancevg import INSTANCEVG_DROPPED

CONFIGS = __file__.rsplit('/tests/', 1)[0] + '/configs'


@pytest.mark.parametrize(
    ('config', 'sizes', 'entries'),
    [
        ('instancevg_base', {}, 697),
        ('instancevg_large', dict(width=1024, layers=24), 1177),
    ],
)
def test_every_weight_of_the_released_models_has_its_place(official_shapes, config, sizes, entries):
    shapes = official_shapes(**sizes)
    assert len(shapes) == entries
    blank = {name: torch.zeros(()).expand(shape) for name, shape in shapes.items()}
    converted = convert_instancevg(blank, 'released.pth')
    with torch.device('meta'):
        model = MODELS.build(read_config(f'{CONFIGS}/_base_/models/{config}.py').model)
    wanted = {name: value.shape for name, value in model.state_dict().items()}
    assert {name: value.shape for name, value in converted.items()} == wanted
    # what differs in number is what is dropped, and the aliases: two more class heads of 2, two more box MLPs of 6
    assert len(shapes) - len(converted) == len(INSTANCEVG_DROPPED) + 2 * 2 + 2 * 6


@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_a_released_checkpoint_is_converted_and_loaded_strictly(tmp_path, tiny_official, tiny_model_cfg, suffix):
    averaged = {name: value + 1 if value.is_floating_point() else value for name, value in tiny_official.items()}
    torch.save(
        dict(
            state_dict={f'module.{name}': value for name, value in tiny_official.items()},
            ema_state_dict=averaged,
            epoch=10,
            lr=[5e-5, 5e-4],
            det_acc=np.float64(73.5),
            optimizer=dict(state={}, param_groups=[]),
        ),
        tmp_path / 'InstanceVG-B.pth',
    )
    for ema, source in ((False, tiny_official), (True, averaged)):
        converted, meta = convert_checkpoint(tmp_path / 'InstanceVG-B.pth', ema=ema)
        save_weights(converted, tmp_path / f'ours{suffix}', meta)
        model = MODELS.build(tiny_model_cfg)
        load_weights(model, tmp_path / f'ours{suffix}')
        assert model.head.boxes.classify.weight.equal(source['head.class_embed.2.weight'])
        assert model.neck['pixel_decoder'].steps[0][1].conv.weight.equal(source['head.unet_decoder.conv2_2.weight'])
        assert (
            model.neck['pixel_decoder'].steps[2][0].bn.running_var.equal(source['head.unet_decoder.bn1_4.running_var'])
        )
    assert meta['weights'] == 'ema'
    assert 'head.decoder_transformer.level_embeds' in meta['dropped']


def test_microsofts_file_is_converted_and_resized(tmp_path, official_shapes, tiny_official):
    state = {
        name.removeprefix('vis_enc.'): value for name, value in tiny_official.items() if name.startswith('vis_enc.')
    }
    heads = {'mlm_head.weight': (30, 16), 'mlm_head.bias': (30,), 'mim_head.weight': (40, 16), 'mim_head.bias': (40,)}
    state |= {name: torch.zeros(shape) for name, shape in heads.items()}
    torch.save(dict(model=state), tmp_path / 'beit3.zip')
    converted, meta = convert_checkpoint(tmp_path / 'beit3.zip', img_size=48)
    assert (meta['layout'], meta['img_size']) == ('beit3', '48')
    save_weights(converted, tmp_path / 'beit3.safetensors')
    size = dict(patch_size=8, embed_dims=16, num_layers=2, num_heads=2, vocab_size=30, max_text_positions=12)
    load_weights(BEiT3(img_size=48, **size), tmp_path / 'beit3.safetensors')
    model = BEiT3(img_size=32, checkpoint=str(tmp_path / 'beit3.safetensors'), **size)
    model.init_weights()
    assert model.vision_embed.proj.weight.equal(state['beit3.vision_embed.proj.weight'])
    assert model.encoder.embed_positions['A'].weight.shape == (19, 16)
    with pytest.raises(ValueError, match='img_size 50 is not a multiple of the patch size 8'):
        convert_checkpoint(tmp_path / 'beit3.zip', img_size=50)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(add='head.new_branch.weight'), r'released.pth: 1 tensors are none of this model: head.new_branch.weight'),
        (dict(drop='head.nt_embed.'), r'has no tensors under head.nt_embed.; is the file cut down'),
        (dict(drop='vis_enc.'), r'has no tensors under vis_enc.beit3.'),
        (dict(alter='head.bbox_embed.2.layers.1.bias'), r'bbox_embed.2.layers.1.bias and head.bbox_embed.0.layers.1'),
        (dict(drop='head.class_embed.0.bias'), r'class_embed.1.bias and head.class_embed.0.bias'),
    ],
)
def test_anything_unexpected_is_an_error(tiny_official, change, message):
    state = copy.copy(tiny_official)
    if 'add' in change:
        state[change['add']] = torch.zeros(1)
    if 'drop' in change:
        state = {name: value for name, value in state.items() if not name.startswith(change['drop'])}
    if 'alter' in change:
        state[change['alter']] = state[change['alter']] + 1e-6
    with pytest.raises(CheckpointError, match=message):
        convert_instancevg(state, 'released.pth')


def test_itc_variants_and_strangers_are_refused(tmp_path):
    with pytest.raises(CheckpointError, match='logit_scale'):
        convert_beit3({'beit3.text_embed.weight': torch.zeros(1), 'logit_scale': torch.zeros(1)}, 'itc.pth')
    torch.save(dict(state_dict={'backbone.conv1.weight': torch.zeros(1)}), tmp_path / 'resnet.pth')
    with pytest.raises(CheckpointError, match=r'nobody known here.*"backbone\.conv1\.weight"'):
        convert_checkpoint(tmp_path / 'resnet.pth')
    with pytest.raises(CheckpointError, match='has no ema_state_dict'):
        convert_checkpoint(tmp_path / 'resnet.pth', ema=True)


def test_an_official_file_that_was_not_converted_is_recognised(tmp_path, tiny_official, tiny_model_cfg):
    torch.save(dict(state_dict=tiny_official), tmp_path / 'released.pth')
    with pytest.raises(CheckpointError, match='convert the file with "mmvg convert" first'):
        load_weights(MODELS.build(tiny_model_cfg), tmp_path / 'released.pth')


def test_only_square_position_tables_are_resized():
    table = torch.arange(3 + 4.0)[:, None] * torch.ones(2)
    assert resize_image_positions(table, 2) is table
    resized = resize_image_positions(table.half(), 1)
    assert resized.dtype == torch.float16
    assert resized[:, 0].tolist() == [0, 1, 2, 4.5]  # bicubic at the centre of 2 x 2 is their mean
    with pytest.raises(ValueError, match='8 image positions are not 3 and a square grid'):
        resize_image_positions(torch.zeros(8, 2), 4)


def test_patches_are_enlarged_with_the_pictures(tmp_path):
    size = dict(embed_dims=16, num_layers=1, num_heads=2, vocab_size=30, max_text_positions=12)
    torch.manual_seed(0)
    small = BEiT3(img_size=16, patch_size=4, **size)
    torch.nn.init.constant_(small.vision_embed.proj.weight.data[0], 0.25)
    save_weights(small, tmp_path / 'beit3.pth')
    large = BEiT3(img_size=48, patch_size=8, checkpoint=str(tmp_path / 'beit3.pth'), **size)
    large.init_weights()
    weight = large.vision_embed.proj.weight
    assert weight.shape == (16, 3, 8, 8)
    torch.testing.assert_close(weight[0], torch.full((3, 8, 8), 0.25))  # not divided by the four times larger area
    # bicubic, pixel centres: the mean of a patch stays about what it was, and its order too
    torch.testing.assert_close(
        weight[1:].mean((2, 3)), small.vision_embed.proj.weight[1:].mean((2, 3)), atol=0.1, rtol=0
    )
    ramp = torch.arange(4.0).expand(1, 3, 4, 4)
    assert (resize_patches(ramp, 8)[0, 0].diff(dim=1) > 0).all()
    assert resize_patches(ramp, 4) is ramp
    assert large.encoder.embed_positions['A'].weight.shape == (3 + 36, 16)
