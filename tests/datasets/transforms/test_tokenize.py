import pickle

import numpy as np
import pytest

from mmvg.datasets.tokenizers import WordTokenizer
from mmvg.datasets.transforms import Tokenize


@pytest.fixture
def vocab_file(tmp_path):
    (tmp_path / 'words.txt').write_text('[PAD]\n[UNK]\n[BOS]\n[EOS]\nthe\nred\nring\n')
    return str(tmp_path / 'words.txt')


@pytest.mark.parametrize('form', ['class', 'name', 'object'])
def test_a_tokenizer_is_built_from_a_config_or_taken_as_it_is(vocab_file, form):
    tokenizer = {
        'class': {'type': WordTokenizer, 'vocab_file': vocab_file},
        'name': {'type': 'mmvg.WordTokenizer', 'vocab_file': vocab_file},
        'object': WordTokenizer(vocab_file),
    }[form]
    results = Tokenize(tokenizer, max_length=5)({'text': 'the red'})
    assert results['input_ids'].tolist() == [2, 4, 5, 3, 0]
    assert results['text_mask'].tolist() == [True] * 4 + [False]
    assert (results['input_ids'].dtype, results['text_mask'].dtype) == (np.int64, np.bool_)


def test_what_is_not_read_is_written_down_and_nothing_else(vocab_file):
    step = Tokenize(WordTokenizer(vocab_file), max_length=5)
    assert step({'text': 'the red ring'}).keys() == {'text', 'input_ids', 'text_mask'}  # exactly as many as fit
    results = step({'text': 'the zebra ring on the left'})
    assert (results['unknown_words'], results['unread_text']) == (['zebra'], 'on the left')


def test_it_can_be_sent_to_a_worker(vocab_file):
    again = pickle.loads(pickle.dumps(Tokenize({'type': WordTokenizer, 'vocab_file': vocab_file}, max_length=4)))
    assert again({'text': 'ring'})['input_ids'].tolist() == [2, 6, 3, 0]


def test_there_must_be_room_for_begin_and_end(vocab_file):
    with pytest.raises(ValueError, match='max_length must leave room'):
        Tokenize(WordTokenizer(vocab_file), max_length=1)
