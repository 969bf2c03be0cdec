"""A folder is whole and fits, or an error says what to do; the network is never asked."""

import json
import shutil
import socket
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from mmvg.config import read_config
from mmvg.models.adapters import check_model_folder
from mmvg.models.adapters.hub_folder import model_type_of
from mmvg.registry import MODELS
from tests.models.adapters.conftest import ask

SOURCE = 'google/owlv2-base-patch16-ensemble'


@pytest.fixture
def copy(folder_of, tmp_path):
    return shutil.copytree(folder_of('owlv2'), tmp_path / 'models/tiny/owlv2')


def build(folder, family='owlv2'):
    return MODELS.build(read_config(f'hf/{family}_refcoco', dict(model_folder=str(folder))).model)


@pytest.mark.parametrize(
    'family',
    [
        'grounding_dino',
        'mm_grounding_dino',
        'omdet_turbo',
        'owlv2',
        'sam3',
        'florence2',
        'qwen3_vl',
        'mmdet_grounding_dino',
    ],
)
def test_a_model_is_read_and_asked_without_the_network(family, folder_of, pictures, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError('the network was asked')

    folder = folder_of(family)
    for name in ('connect', 'connect_ex', 'sendto'):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, 'getaddrinfo', refuse)
    if family == 'mmdet_grounding_dino':
        files = dict(mmdet_config=str(folder / 'config.py'), checkpoint=str(folder / 'detector.pth'))
        files |= dict(bert_folder=str(folder / 'bert'))
        model = MODELS.build(read_config('mmdet/grounding_dino_refcoco', files).model)
    else:
        model = build(folder, family)
    assert len(ask(model.eval(), pictures[:1], ['the red ring'])) == 1


def test_a_name_of_the_hub_in_place_of_a_folder_says_how_to_fetch_it():
    with pytest.raises(FileNotFoundError) as caught:
        build('google/owlv2-large-patch14')
    assert str(caught.value) == (
        'google/owlv2-large-patch14: there is no such folder, and nothing is downloaded unasked; fetch it with `hf '
        'download google/owlv2-large-patch14 --local-dir data/weights/owlv2-large-patch14`, and set '
        'model_folder=data/weights/owlv2-large-patch14'
    )


@pytest.mark.parametrize('folder', ['models/tiny', 'tiny', '/models/tiny', './models/tiny'])
def test_a_folder_that_is_not_there_is_fetched_to_where_it_was_looked_for(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'models').mkdir()
    with pytest.raises(FileNotFoundError) as caught:
        check_model_folder(folder, SOURCE)
    assert f'hf download {SOURCE} --local-dir {Path(folder)}`' in str(caught.value)


@pytest.mark.parametrize(
    ('file', 'message'),
    [
        ('config.json', r'lacks config\.json \(the architecture\)'),
        ('model.safetensors', r'lacks model\.safetensors or .* \(the weights\)'),
        ('preprocessor_config.json', r'lacks preprocessor_config\.json or .* \(how pictures are prepared\)'),
        ('vocab.json', r'lacks tokenizer\.json or .* \(the words\)'),
    ],
)
def test_a_file_that_is_missing_is_named(copy, file, message):
    (copy / file).unlink()
    with pytest.raises(FileNotFoundError, match=message) as caught:
        check_model_folder(copy, SOURCE)
    assert f'hf download {SOURCE} --local-dir {copy}' in str(caught.value)


def test_a_config_that_is_none_is_named(copy):
    (copy / 'config.json').write_text('<html>')
    with pytest.raises(ValueError, match=r'config\.json: is no config of transformers'):
        model_type_of(copy)


@pytest.mark.parametrize('damage', ['a weight is missing', 'a weight has another shape'])
def test_weights_that_would_be_random_are_refused(copy, damage):
    weights = load_file(copy / 'model.safetensors')
    name = 'class_head.dense0.weight'
    weights[name] = torch.zeros(3, 3)
    if damage == 'a weight is missing':
        del weights[name]
    save_file(weights, copy / 'model.safetensors', metadata=dict(format='pt'))
    with pytest.raises(ValueError, match=r'class_head\.dense0\.weight are missing or of another shape'):
        build(copy)


def test_weights_that_are_cut_off_are_named(copy):
    whole = (copy / 'model.safetensors').read_bytes()
    (copy / 'model.safetensors').write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match='the weights are cut off or no safetensors'):
        build(copy)


def test_code_in_a_folder_is_not_run(copy):
    """A config may name classes of its own; what this transformers knows is built, and nothing else."""
    config = json.loads((copy / 'config.json').read_text())
    config['auto_map'] = dict(AutoModelForZeroShotObjectDetection='evil.Model', AutoConfig='evil.Config')
    (copy / 'config.json').write_text(json.dumps(config))
    (copy / 'evil.py').write_text('raise SystemExit("ran")\n')
    assert type(build(copy).library.model).__module__.startswith('transformers.')


def test_an_unknown_precision_is_refused(folder_of):
    config = read_config('hf/owlv2_refcoco', dict(model_folder=str(folder_of('owlv2')), dtype='half'))
    with pytest.raises(ValueError, match="dtype must be 'float32', 'bfloat16' or 'float16', not 'half'"):
        MODELS.build(config.model)
