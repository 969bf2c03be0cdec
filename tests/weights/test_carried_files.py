"""The files that travel with a checkpoint, for every way in which a config names them."""

import pytest
from mmengine.config import Config

from mmvg.weights.carried_files import carried_files, decode_files, encode_files, found_beside, laid_out

VOCABULARY = '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nring\n'


def config_with(tokenizer):
    return Config(dict(model=dict(head={}), test_dataloader=dict(dataset=dict(pipeline=[dict(tokenizer=tokenizer)]))))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / 'weights/bert').mkdir(parents=True)
    for name in ('vocab.txt', 'tokenizer_config.json', 'pytorch_model.bin', 'config.json'):
        (tmp_path / 'weights/bert' / name).write_text(VOCABULARY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_of_transformers_is_carried_without_its_weights_and_read_by_the_tokenizer(folder):
    from mmvg.datasets.tokenizers import BertTokenizer

    cfg = config_with(dict(type='BertTokenizer', vocab='weights/bert'))
    files = carried_files(cfg)
    assert list(files) == ['weights/bert/tokenizer_config.json', 'weights/bert/vocab.txt']
    (folder / 'weights').rename(folder / 'gone')
    with laid_out(cfg, files) as elsewhere:
        assert BertTokenizer(elsewhere.test_dataloader.dataset.pipeline[0].tokenizer.vocab).vocab_size == 6
    assert cfg.test_dataloader.dataset.pipeline[0].tokenizer.vocab == 'weights/bert'


@pytest.mark.parametrize('written', ['weights/bert/vocab.txt', './weights/bert/vocab.txt', 'absolute'])
def test_a_file_is_carried_under_the_path_that_the_config_writes(written, folder):
    written = str(folder / 'weights/bert/vocab.txt') if written == 'absolute' else written
    cfg = config_with(dict(type='WordTokenizer', vocab_file=written))
    assert carried_files(cfg) == {written: VOCABULARY.encode()}
    with laid_out(cfg, decode_files(encode_files(carried_files(cfg)), 'x.pth')) as elsewhere:
        place = elsewhere.test_dataloader.dataset.pipeline[0].tokenizer.vocab_file
        assert place != written
        with open(place) as file:
            assert file.read() == VOCABULARY


def test_two_files_of_one_name_stay_apart(folder):
    (folder / 'other').mkdir()
    (folder / 'other/vocab.txt').write_text('other\n')
    first, second = 'weights/bert/vocab.txt', 'other/vocab.txt'
    cfg = config_with(dict(type='X', vocab_file=first, merges=second))
    with laid_out(cfg, carried_files(cfg)) as elsewhere:
        tokenizer = elsewhere.test_dataloader.dataset.pipeline[0].tokenizer
        with open(tokenizer.vocab_file) as one, open(tokenizer.merges) as two:
            assert (one.read(), two.read()) == (VOCABULARY, 'other\n')


def test_what_is_not_there_and_what_is_no_path_is_left_out(folder):
    cfg = config_with(dict(type='X', vocab_file='lost.txt', model_max_length=5, unk='[UNK]'))
    assert carried_files(cfg) == {}
    assert carried_files(Config(dict(model=None))) == {}


def test_a_file_that_is_too_large_for_a_vocabulary_is_refused(folder, monkeypatch):
    monkeypatch.setattr('mmvg.weights.carried_files.MAX_BYTES', 10)
    with pytest.raises(ValueError, match='too many for a vocabulary'):
        carried_files(config_with(dict(type='X', vocab_file='weights/bert/vocab.txt')))


def test_files_of_an_older_checkpoint_are_found_from_its_folder_upwards(folder, monkeypatch):
    (folder / 'elsewhere').mkdir()
    monkeypatch.chdir(folder / 'elsewhere')
    cfg = config_with(dict(type='X', vocab_file='weights/bert/vocab.txt'))
    place = str(folder / 'weights/bert/vocab.txt')
    assert found_beside(cfg, folder / 'work_dirs/run/iter_4.pth') == {'weights/bert/vocab.txt': place}
    assert found_beside(cfg, folder / 'a/b/c/d/iter_4.pth') == {}
    assert found_beside(config_with(dict(type='X', vocab_file=place)), folder / 'x.pth') == {}
