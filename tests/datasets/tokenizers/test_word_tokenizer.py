import pickle
from pathlib import Path

import numpy as np
import pytest

from mmvg.datasets.tokenizers import WordTokenizer

WORDS = ['[PAD]', '[UNK]', '[BOS]', '[EOS]', 'the', 'red', 'ring']


def write(path: Path, lines: list[str]) -> Path:
    path.write_text('\n'.join(lines) + '\n', encoding='utf-8')
    return path


@pytest.fixture
def tokenizer(tmp_path):
    return WordTokenizer(write(tmp_path / 'words.txt', WORDS))


def test_words_become_their_line_numbers_between_begin_and_end(tokenizer):
    ids, mask = tokenizer('The  RED ring', 7)
    assert ids.tolist() == [2, 4, 5, 6, 3, 0, 0]
    assert mask.tolist() == [True] * 5 + [False] * 2
    assert (ids.dtype, mask.dtype) == (np.int64, np.bool_)
    assert tokenizer.vocab_size == 7


def test_a_long_text_is_cut_but_keeps_its_end(tokenizer):
    ids, mask = tokenizer('the red ring the red ring', 4)
    assert ids.tolist() == [2, 4, 5, 3]
    assert mask.all()


def test_an_empty_text_is_begin_and_end(tokenizer):
    ids, mask = tokenizer('  ', 4)
    assert ids.tolist() == [2, 3, 0, 0]
    assert mask.tolist() == [True, True, False, False]


def test_unknown_words_are_marked_and_named_once(tokenizer):
    ids, _ = tokenizer('the zebra zebra [PAD]', 8)
    assert ids.tolist() == [2, 4, 1, 1, 1, 3, 0, 0]
    assert tokenizer.left_out('the zebra zebra [PAD]', 8) == dict(unknown_words=['zebra', '[PAD]'])


@pytest.mark.parametrize(
    ('text', 'left_out'),
    [
        ('', {}),
        ('the red ring', {}),
        ('the red  RING the', dict(unread_text='the')),
        ('zebra', dict(unknown_words=['zebra'])),
        ('the gnu ring the zebra', dict(unread_text='the zebra', unknown_words=['gnu'])),
    ],
)
def test_what_is_not_read_is_told(tokenizer, text, left_out):
    assert tokenizer.left_out(text, 5) == left_out


def test_it_can_be_sent_to_a_worker(tokenizer):
    again = pickle.loads(pickle.dumps(tokenizer))
    assert again('the ring', 5)[0].tolist() == [2, 4, 6, 3, 0]


def test_a_file_with_windows_line_ends_gives_the_same_words(tmp_path):
    (tmp_path / 'words.txt').write_bytes('\r\n'.join(WORDS).encode())
    assert WordTokenizer(tmp_path / 'words.txt')('ring', 3)[0].tolist() == [2, 6, 3]


@pytest.mark.parametrize(
    ('lines', 'message'),
    [
        (['the', 'red'], r'words\.txt: the first four lines'),
        (WORDS + ['red'], r"words\.txt: lines 6 and 8 are both 'red'"),
        (WORDS + ['Blue'], r"words\.txt, line 8: 'Blue' is not one lower-case word"),
        (WORDS + ['two words'], r'line 8'),
        (WORDS + ['', 'blue'], r"line 8: ''"),
    ],
)
def test_a_file_that_is_no_vocabulary_is_refused(tmp_path, lines, message):
    with pytest.raises(ValueError, match=message):
        WordTokenizer(write(tmp_path / 'words.txt', lines))


def test_a_missing_empty_or_binary_file_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'words\.txt: no such tokenizer file'):
        WordTokenizer(tmp_path / 'words.txt')
    (tmp_path / 'words.txt').write_bytes(b'')
    with pytest.raises(ValueError, match=r'words\.txt: the tokenizer file is empty'):
        WordTokenizer(tmp_path / 'words.txt')
    (tmp_path / 'words.txt').write_bytes(b'\xff\xfe\x00')
    with pytest.raises(ValueError, match=r'words\.txt: not a UTF-8 text'):
        WordTokenizer(tmp_path / 'words.txt')
