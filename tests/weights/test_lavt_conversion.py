"""Released weights of LAVT and MagNet become ours: every weight is filled, and the answers are those of the authors."""

import argparse
import copy

import pytest
import torch
from released_lavt import (
    BASE,
    TINY,
    lavt_logits,
    lavt_shapes,
    magnet_logits,
    magnet_shapes,
    random_weights,
)

from mmvg.config import read_config
from mmvg.registry import MODELS
from mmvg.weights import CheckpointError, load_checkpoint_file, load_weights, save_weights
from mmvg.weights.conversion import convert_checkpoint, convert_lavt, convert_magnet
from mmvg.weights.inert_record import InertRecord

CONFIGS = __file__.rsplit('/tests/', 1)[0] + '/configs'
CHANNELS = 32  # of the tiny MagNet's decoders
ENCODER_FFN, DECODER_FFN = 40, 48


def read(name):
    return read_config(f'{CONFIGS}/{name}').model


def narrowed(model):
    """The model of a config with the sizes of the tiny weights."""
    widths = [TINY['embed'] * 2**i for i in range(4)]
    model.backbone.image.update(embed_dims=widths[0], depths=TINY['depths'], num_heads=TINY['heads'], window_size=3)
    model.backbone.text.update(
        embed_dims=TINY['text'], num_layers=TINY['layers'], num_heads=2, ffn_channels=TINY['ffn']
    )
    model.backbone.text.update(vocab_size=TINY['vocab'], max_positions=TINY['positions'])
    model.backbone.fusion.update(image_channels=widths, text_channels=TINY['text'])
    model.neck.decoder.update(in_channels=widths)
    return model


@pytest.fixture(scope='module')
def tiny_lavt():
    """Random weights of ``lavt_one``, and a model of ours that they fit."""
    cfg = narrowed(read('lavt/refcoco.py'))
    cfg.neck.decoder.channels = cfg.head.in_channels = 4 * TINY['embed']
    return random_weights(lavt_shapes(TINY), TINY), cfg


@pytest.fixture(scope='module')
def tiny_magnet():
    cfg = narrowed(read('magnet/refcoco_released.py'))
    cfg.neck.decoder.update(channels=CHANNELS, ffn_channels=ENCODER_FFN)
    cfg.head.update(in_channels=CHANNELS, ffn_channels=DECODER_FFN)
    return random_weights(magnet_shapes(TINY, CHANNELS, ENCODER_FFN, DECODER_FFN), TINY), cfg


def as_lavt(state, **others):
    """The checkpoint of the layout ``lavt``, in which BERT stands beside the model."""
    bert = {name.removeprefix('text_encoder.'): value for name, value in state.items() if 'text_encoder.' in name}
    rest = {name: value for name, value in state.items() if 'text_encoder.' not in name}
    return dict(model=rest, bert_model=bert, epoch=39, **others)


@pytest.mark.parametrize(
    ('config', 'shapes', 'convert', 'dropped'),
    [
        # the gate of the last stage, and the positions of BERT
        ('lavt/refcoco.py', lavt_shapes(BASE), convert_lavt, 2 + 1),
        # besides those: four times 6 layers with biases, 2 gates and a norm of the text side, four norms of outputs,
        # the class and the projection
        ('magnet/refcoco_released.py', magnet_shapes(BASE), convert_magnet, 2 + 1 + 4 * (12 + 2 + 2) + 4 * 2 + 2 + 2),
    ],
    ids=['lavt', 'magnet'],
)
def test_every_weight_of_the_released_models_has_its_place(config, shapes, convert, dropped):
    blank = {name: torch.zeros(()).expand(shape) for name, shape in shapes.items()}
    converted = convert(blank, 'released.pth')
    with torch.device('meta'):
        model = MODELS.build(read(config))
    wanted = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    assert {name: tuple(value.shape) for name, value in converted.items()} == wanted
    assert len(shapes) - len(converted) == dropped


def inputs():
    torch.manual_seed(3)
    mask = torch.arange(5) < torch.tensor([5, 3])[:, None]
    return dict(images=torch.randn(2, 3, 40, 40), input_ids=torch.randint(1, 30, (2, 5)), text_mask=mask)


@torch.no_grad()
def assert_answers(model, state, expected, tolerance):
    """Compare enlarged logits of two samples, one with padding, with what ``expected`` computes of each.

    They are equal to ``tolerance`` times their spread, which is what float32 leaves.
    """
    batch = inputs()
    logits = model.eval()(batch, mode='tensor')['mask_logits'][:, 0]
    assert logits.shape == (2, 10, 10)
    logits = torch.nn.functional.interpolate(logits[:, None], (40, 40), mode='bilinear', align_corners=True)[:, 0]
    for i, length in enumerate((5, 3)):
        theirs = expected(batch['images'][i], batch['input_ids'][i], length, state)
        assert theirs.std() > 0.1, 'the weights say nothing'
        torch.testing.assert_close(logits[i], theirs, rtol=0, atol=tolerance * theirs.std().item())


@pytest.mark.parametrize('heads', [(1, 1, 1, 1), (2, 4, 2, 4)], ids=['one head', 'several heads'])
def test_a_converted_lavt_gives_the_official_logits(tiny_lavt, heads):
    state, cfg = tiny_lavt
    cfg = copy.deepcopy(cfg)
    cfg.backbone.fusion.num_heads = heads
    model = MODELS.build(cfg)
    model.load_state_dict(convert_lavt(state, 'released.pth'))

    def difference(*sample):
        background, target = lavt_logits(*sample, TINY, heads)
        return target - background

    assert_answers(model, state, difference, tolerance=5e-4)


def test_a_converted_magnet_gives_the_official_masks(tiny_magnet):
    state, cfg = tiny_magnet
    model = MODELS.build(cfg)
    model.load_state_dict(convert_magnet(state, 'released.pth'))
    assert_answers(model, state, lambda *sample: magnet_logits(*sample, TINY, CHANNELS), tolerance=2e-4)


@pytest.mark.parametrize('layout', ['lavt', 'lavt_one'])
def test_both_layouts_are_read_from_files_with_their_arguments(tmp_path, tiny_lavt, layout):
    state, cfg = tiny_lavt
    arguments = argparse.Namespace(model=layout, swin_type='base', mha='', img_size=480, lr=5e-5, resume='')
    checkpoint = dict(model=state, epoch=39, args=arguments)
    if layout == 'lavt':
        checkpoint = as_lavt(state, args=arguments)
    torch.save(checkpoint, tmp_path / 'refcoco.pth')

    converted, meta = convert_checkpoint(tmp_path / 'refcoco.pth')
    assert meta['layout'] == 'lavt'
    assert meta['arguments'] == f"model='{layout}', swin_type='base', mha='', img_size=480"
    assert set(meta['dropped'].split(', ')) == {
        'text_encoder.embeddings.position_ids',
        'backbone.layers.3.res_gate.0.weight',
        'backbone.layers.3.res_gate.2.weight',
    }
    save_weights(converted, tmp_path / 'ours.pth', meta)
    model = MODELS.build(cfg)
    load_weights(model, tmp_path / 'ours.pth')
    assert model.head.classify.weight.equal(state['classifier.conv1_1.weight'])
    assert model.backbone.fusion.gates[2].out.weight.equal(state['backbone.layers.2.res_gate.2.weight'])


def test_arguments_that_claim_to_be_methods_stay_entries(tmp_path):
    arguments = argparse.Namespace()
    arguments.__dict__.update(dict(keys='mine', __class__='mine', swin_type='base'))
    torch.save(dict(model=dict(weight=torch.ones(1)), args=arguments), tmp_path / 'odd.pth')
    record = load_checkpoint_file(tmp_path / 'odd.pth')['args']
    assert type(record) is InertRecord
    assert dict(record) == {'keys': 'mine', '__class__': 'mine', 'swin_type': 'base'}
    assert record.keys() == {'keys', '__class__', 'swin_type'}


def test_an_open_gate_of_the_text_is_refused(tiny_magnet):
    state = dict(tiny_magnet[0])
    name = 'language_model.res_gates.1.2.weight'
    state[name] = state[name].clone()
    state[name][0, 0] = 1e-8
    with pytest.raises(CheckpointError, match=r'released\.pth: language_model\.res_gates\.1\.2\.weight is not zero'):
        convert_magnet(state, 'released.pth')


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(add='backbone.layers.4.blocks.0.norm1.bias'), r'1 tensors are none of this model: backbone\.layers\.4\.'),
        (dict(drop='classifier.bn1_3.'), r'has no tensors under classifier\.bn1_3\.; is the file cut down'),
        (dict(drop='text_encoder.'), r'has no tensors under text_encoder\.'),
    ],
)
def test_anything_unexpected_is_an_error(tiny_lavt, change, message):
    state = {name: value for name, value in tiny_lavt[0].items() if not name.startswith(change.get('drop', '-'))}
    state |= {change['add']: torch.zeros(1)} if 'add' in change else {}
    with pytest.raises(CheckpointError, match=message):
        convert_lavt(state, 'released.pth')


def test_an_official_file_that_was_not_converted_is_recognised(tmp_path, tiny_lavt):
    state, cfg = tiny_lavt
    torch.save(as_lavt(state), tmp_path / 'refcoco.pth')
    with pytest.raises(CheckpointError, match='convert the file with "mmvg convert" first'):
        load_weights(MODELS.build(cfg), tmp_path / 'refcoco.pth')


def test_a_system_without_image_positions_has_none_to_resize(tmp_path, tiny_lavt):
    torch.save(as_lavt(tiny_lavt[0]), tmp_path / 'refcoco.pth')
    with pytest.raises(ValueError, match='LAVT has no image positions; leave out img_size'):
        convert_checkpoint(tmp_path / 'refcoco.pth', img_size=480)
