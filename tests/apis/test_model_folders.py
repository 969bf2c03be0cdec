"""Models in folders: written, moved, published, damaged, and opened again."""

import json
import socket
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from hub_stand_in import COMMIT, hub_stand_in
from mmengine.config import Config

from mmvg.apis import GroundingInferencer, find_model, list_models
from mmvg.apis.model_hub import pull_model, push_folder
from mmvg.apis.model_index import find_pretrained, pretrained_models, weights_of
from mmvg.cli import main
from mmvg.models import Grounder
from mmvg.refshapes import draw_scene, sample_scene
from mmvg.weights import CheckpointError, load_state_dict_file, load_weights, read_model_folder

SYSTEMS = sorted(path.parent.name for path in (Path(__file__).parents[2] / 'configs').glob('*/tiny.py'))
PICTURE = draw_scene(sample_scene(np.random.default_rng(3))).image
SENTENCES = ['the red ring', 'both stars']


def answers(find):
    return find(PICTURE, SENTENCES)['predictions']


@pytest.fixture
def find(random_checkpoint):
    return GroundingInferencer(random_checkpoint('instancevg'), device='cpu', show_progress=False)


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A working directory without data."""
    (tmp_path / 'elsewhere').mkdir()
    monkeypatch.chdir(tmp_path / 'elsewhere')
    return tmp_path


@pytest.mark.parametrize('system', SYSTEMS)
def test_a_folder_answers_like_the_checkpoint_after_it_was_moved(system, random_checkpoint, nowhere):
    find = GroundingInferencer(random_checkpoint(system), device='cpu', show_progress=False)
    find.save_pretrained(nowhere / 'first')
    (nowhere / 'first').rename(nowhere / 'moved')
    assert answers(GroundingInferencer(nowhere / 'moved', device='cpu')) == answers(find)


def test_what_is_in_a_folder(find, nowhere):
    find.save_pretrained(nowhere / 'rings', scores={'gres/gIoU': 66.1}, license='cc-by-4.0')
    names = sorted(path.name for path in (nowhere / 'rings').iterdir())
    assert names == ['README.md', 'config.json', 'model.safetensors', 'vocab.txt']
    content = json.loads((nowhere / 'rings/config.json').read_text())
    assert (content['format'], content['format_version']) == ('mmvg', 1)
    assert list(content['files'].values()) == ['vocab.txt']
    assert not {'work_dir', 'launcher'} & content['config'].keys()


def test_a_folder_at_home_may_have_a_blank_in_its_name(find, nowhere, monkeypatch):
    monkeypatch.setenv('HOME', str(nowhere))
    find.save_pretrained('~/my rings')
    assert (
        'mmvg demo scene.jpg "the red ring" --checkpoint \'my rings\'' in (nowhere / 'my rings/README.md').read_text()
    )
    assert answers(GroundingInferencer.from_pretrained('~/my rings', device='cpu')) == answers(find)
    assert weights_of('~/my rings') == str(nowhere / 'my rings')


def test_half_precision_halves_the_file_and_hardly_moves_the_scores(find, nowhere):
    whole = find.save_pretrained(nowhere / 'whole') / 'model.safetensors'
    half = find.save_pretrained(nowhere / 'half', half=True) / 'model.safetensors'
    assert half.stat().st_size < 0.6 * whole.stat().st_size
    opened = GroundingInferencer(nowhere / 'half', device='cpu')
    assert {value.dtype for value in opened.model.parameters()} == {torch.float32}
    for name, value in opened.model.named_parameters():
        torch.testing.assert_close(value, dict(find.model.named_parameters())[name], rtol=1e-3, atol=1e-3)


def test_a_weight_beyond_half_precision_is_kept_in_full(find, nowhere):
    with torch.no_grad():
        next(find.model.parameters()).view(-1)[0] = 1e30
    find.save_pretrained(nowhere / 'half', half=True)
    opened = GroundingInferencer(nowhere / 'half', device='cpu')
    assert next(opened.model.parameters()).view(-1)[0] == 1e30


def test_a_folder_that_is_saved_again_holds_the_same(find, nowhere):
    first = find.save_pretrained(nowhere / 'a', name='rings')
    again = GroundingInferencer(first, device='cpu').save_pretrained(nowhere / 'b', name='rings')
    for name in ('README.md', 'vocab.txt'):
        assert (first / name).read_bytes() == (again / name).read_bytes()
    assert read_model_folder(first).config == read_model_folder(again).config
    weights = load_state_dict_file(again)
    assert all(torch.equal(value, weights[name]) for name, value in load_state_dict_file(first).items())


def test_a_damaged_or_incomplete_folder_is_refused(find, nowhere):
    folder = find.save_pretrained(nowhere / 'rings')
    vocabulary = (folder / 'vocab.txt').read_bytes()
    (folder / 'vocab.txt').unlink()
    with pytest.raises(FileNotFoundError, match=r'vocab\.txt: missing, and the model needs it'):
        GroundingInferencer(folder)
    (folder / 'vocab.txt').write_bytes(vocabulary)
    weights = bytearray((folder / 'model.safetensors').read_bytes())
    weights[-5] ^= 1
    (folder / 'model.safetensors').write_bytes(weights)
    for open_it in (GroundingInferencer, Grounder.from_pretrained):
        with pytest.raises(CheckpointError, match=r'SHA-256 is another'):
            open_it(folder)
    with pytest.raises(CheckpointError, match=r'SHA-256 is another'):
        load_weights(find.model, folder)


def test_the_bare_model_is_saved_and_opened_too(find, nowhere):
    find.model.save_pretrained(nowhere / 'model', find.cfg)
    model = Grounder.from_pretrained(nowhere / 'model')
    assert not model.training
    state = model.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in find.model.state_dict().items())
    load_weights(find.model, nowhere / 'model')


def test_a_folder_stands_for_weights_where_the_config_is_ones_own(find, nowhere):
    find.save_pretrained(nowhere / 'rings')
    own = GroundingInferencer(find.cfg, nowhere / 'rings', device='cpu')
    assert answers(own) == answers(find)


def test_a_model_that_comes_with_mmvg_is_found_by_name_and_without_a_network(find, nowhere, monkeypatch):
    monkeypatch.setattr('mmvg.apis.model_index.PRETRAINED', nowhere / 'pretrained')
    find.save_pretrained(nowhere / 'pretrained/instancevg_rings')
    monkeypatch.setattr(socket.socket, 'connect', lambda *_: pytest.fail('something was asked of a network'))
    assert pretrained_models() == ['instancevg_rings']
    assert find_pretrained('instancevg/rings') == find_pretrained('instancevg_rings') != find_pretrained('rings')
    for name in ('instancevg_rings', 'instancevg/rings'):
        assert answers(GroundingInferencer.from_pretrained(name, device='cpu')) == answers(find)
    with pytest.raises(ValueError, match='instancevg_rings'):
        GroundingInferencer('instancevg_ring')


def test_no_model_that_comes_with_mmvg_hides_one_of_the_index():
    for name in set(pretrained_models()) & set(list_models()):
        assert find_model(name)


def test_the_card_says_what_the_hub_wants_to_know_and_how_the_scores_were_made(find, nowhere):
    from huggingface_hub import ModelCard

    find.save_pretrained(nowhere / 'rings', name='rings', scores={'gres/gIoU': 66.1}, license='cc-by-4.0')
    text = (nowhere / 'rings/README.md').read_text()
    card = ModelCard(text)
    assert (card.data.license, card.data.library_name) == ('cc-by-4.0', 'mmvg')
    assert [(r.metric_type, r.metric_value) for r in card.data.eval_results] == [('gres/gIoU', 66.1)]
    for fact in (
        '| gres/gIoU | 66.1 |',
        '`GRefCOCODataset`',
        'metric `GRESMetric`',
        'max_length',
        "from_pretrained('rings')",
    ):
        assert fact in text, fact
    find.save_pretrained(nowhere / 'rings')
    text = (nowhere / 'rings/README.md').read_text()
    assert 'license' not in yaml.safe_load(text.split('---')[1])
    assert 'Not stated' in text
    assert 'None was given' in text


def test_the_command_writes_a_folder_with_the_scores_of_a_file(random_checkpoint, nowhere, capsys):
    (nowhere / 'scores.json').write_text('{"gres/gIoU": 12.5}')
    checkpoint = str(random_checkpoint('instancevg'))
    main(['export', checkpoint, str(nowhere / 'rings'), '--half', '--scores', str(nowhere / 'scores.json')])
    assert 'model.safetensors' in capsys.readouterr().out
    assert '| gres/gIoU | 12.5 |' in (nowhere / 'rings/README.md').read_text()
    (nowhere / 'scores.json').write_text('[1]')
    with pytest.raises(SystemExit) as end:
        main(['export', checkpoint, str(nowhere / 'x'), '--scores', str(nowhere / 'scores.json')])
    assert end.value.code == 2
    assert not (nowhere / 'x').exists()


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub on this machine that knows the user."""
    from huggingface_hub import constants

    with hub_stand_in() as (address, server):
        monkeypatch.setattr(constants, 'ENDPOINT', address)
        monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', False)
        monkeypatch.setattr(
            constants, 'HUGGINGFACE_CO_URL_TEMPLATE', address + '/{repo_id}/resolve/{revision}/{filename}'
        )
        monkeypatch.setattr(constants, 'HF_HUB_CACHE', str(tmp_path / 'cache'))
        monkeypatch.setenv('HF_TOKEN', 'secret')
        yield server


def test_a_model_is_pushed_and_pulled_and_answers_the_same(find, hub, nowhere):
    assert COMMIT in find.push_to_hub('somebody/rings', private=True, scores={'gres/gIoU': 66.1})
    assert hub.private is True
    assert sorted(hub.files) == ['README.md', 'config.json', 'model.safetensors', 'vocab.txt']
    assert b"from_pretrained('hf://somebody/rings')" in hub.files['README.md']
    hub.files |= {'evil.py': b'raise SystemExit', 'pytorch_model.bin': b'\x80\x02.'}
    pulled = GroundingInferencer('hf://somebody/rings', device='cpu')
    assert answers(pulled) == answers(find)
    assert not [path for _, path, _ in hub.asked if path.endswith(('.py', '.bin'))]


def test_what_the_hub_refuses_is_said_in_a_sentence(find, hub, nowhere, monkeypatch):
    folder = find.save_pretrained(nowhere / 'rings')
    monkeypatch.setenv('HF_TOKEN', 'wrong')
    with pytest.raises(ValueError, match='somebody/rings: the hub does not take it'):
        push_folder(folder, 'somebody/rings')
    with pytest.raises(ValueError, match='hf://somebody/rings: the hub does not give it'):
        pull_model('hf://somebody/rings')


@pytest.mark.parametrize('address', ['hf://', 'hf://rings', 'hf://a/b/c', 'hf://a b/c', 'hf://a/b@'])
def test_an_address_is_user_and_name(address):
    with pytest.raises(ValueError, match='hf://user/name'):
        GroundingInferencer(address)


def test_a_config_in_python_is_ones_own_and_one_in_json_is_data(find, nowhere):
    Config(dict(model=dict(type='os.system'))).dump(str(nowhere / 'mine.json'))
    find.save_pretrained(nowhere / 'rings')
    with pytest.raises(ValueError, match=r"model\.type: 'os\.system' is no part"):
        GroundingInferencer(str(nowhere / 'mine.json'), nowhere / 'rings', device='cpu')
