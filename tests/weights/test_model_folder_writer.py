"""A folder is replaced by a whole model or not at all."""

import pytest
import torch

from mmvg.weights import load_checkpoint_file, load_state_dict_file, read_model_folder, write_model_folder
from mmvg.weights import model_folder_writer as writer

CONFIG = dict(model=dict(type='Linear'))


@pytest.fixture
def folder(tmp_path):
    files = {'vocab.txt': b'[PAD]'}
    return write_model_folder(tmp_path / 'model', {'weight': torch.ones(2)}, CONFIG, files, card='# good')


def assert_is_whole(folder, value):
    assert load_state_dict_file(folder)['weight'].tolist() == [value, value]
    assert read_model_folder(folder).config == CONFIG
    assert sorted(file.name for file in folder.iterdir()) == [
        'README.md',
        'config.json',
        'model.safetensors',
        'vocab.txt',
    ]


def test_a_model_that_cannot_be_written_leaves_the_one_that_was_there(folder, monkeypatch):
    with pytest.raises(TypeError):
        write_model_folder(folder, {'weight': torch.zeros(2)}, dict(model=dict(type='Linear', classes={1, 2})))
    assert_is_whole(folder, 1)

    def full(*_):
        raise OSError(28, 'No space left on device')

    for place in ('sha256_of', 'save_weights', 'whole_file'):
        with monkeypatch.context() as patched:
            patched.setattr(writer, place, full)
            with pytest.raises(OSError, match='No space'):
                write_model_folder(folder, {'weight': torch.zeros(2)}, CONFIG, {'vocab.txt': b'new'})
        assert_is_whole(folder, 1)


def test_another_model_replaces_it(folder):
    write_model_folder(folder, {'weight': torch.zeros(2)}, CONFIG)
    assert_is_whole(folder, 0)


def test_a_safetensors_file_takes_a_map_of_devices(folder):
    found = load_checkpoint_file(folder / 'model.safetensors', {'cuda:0': 'cpu'})
    assert found['state_dict']['weight'].device == torch.device('cpu')
