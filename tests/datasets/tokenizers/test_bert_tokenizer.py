import pickle
from pathlib import Path

import pytest

from mmvg.datasets.tokenizers import BertTokenizer

PIECES = [
    '[PAD]',
    '[UNK]',
    '[CLS]',
    '[SEP]',
    '[MASK]',
    'the',
    'man',
    'shirt',
    't',
    '##s',
    'cafe',
    '-',
    '!',
    "'",
    's',
    'left',
]
TEXTS = [
    '',
    'The MAN',
    'mans t-shirt',
    'caf\u00e9',
    'zebra',
    "the man's shirt!",
    ' the\tman ',
    '\u4e2dleft',
    '[SEP] left',
]


@pytest.fixture
def vocab_file(tmp_path) -> Path:
    (tmp_path / 'vocab.txt').write_text('\n'.join(PIECES) + '\n', encoding='utf-8')
    return tmp_path / 'vocab.txt'


def test_words_become_pieces_between_cls_and_sep(vocab_file):
    ids, mask = BertTokenizer(vocab_file)('Mans CAF\u00c9 zebra', 8)
    assert ids.tolist() == [2, 6, 9, 10, 1, 3, 0, 0]
    assert mask.tolist() == [True] * 6 + [False] * 2


def test_truncation_keeps_the_end_and_an_empty_text_is_cls_sep(vocab_file):
    tokenizer = BertTokenizer(vocab_file)
    assert tokenizer('the man the man', 4)[0].tolist() == [2, 5, 6, 3]
    assert tokenizer('', 3)[0].tolist() == [2, 3, 0]


def test_what_is_not_read_is_told(vocab_file):
    tokenizer = BertTokenizer(vocab_file)
    assert tokenizer.left_out('the man zebra \u4e2d', 8) == dict(unknown_words=['zebra', '\u4e2d'])
    assert tokenizer.left_out('the mans shirt left', 5) == dict(unread_text='shirt left')
    assert tokenizer.left_out('the mans shirt left', 4) == dict(unread_text='mans shirt left')  # a part is not read


@pytest.mark.parametrize('text', TEXTS)
def test_ids_are_those_of_transformers(vocab_file, text):
    from transformers import BertTokenizerFast

    theirs = BertTokenizerFast(vocab_file=str(vocab_file), vocab=str(vocab_file), do_lower_case=True)
    expected = theirs(text, padding='max_length', truncation=True, max_length=7)
    ids, mask = BertTokenizer(vocab_file)(text, 7)
    assert ids.tolist() == expected['input_ids']
    assert mask.tolist() == [bool(value) for value in expected['attention_mask']]


def test_a_directory_or_a_tokenizer_json_gives_the_same_ids(vocab_file, tmp_path):
    from transformers import BertTokenizerFast

    saved = tmp_path / 'saved'
    BertTokenizerFast(vocab_file=str(vocab_file), vocab=str(vocab_file)).save_pretrained(saved)
    (saved / 'vocab.txt').unlink(missing_ok=True)
    expected = BertTokenizer(vocab_file)("the man's t-shirt", 12)[0].tolist()
    assert expected[1:3] == [5, 6]
    for path in (tmp_path, str(saved), saved / 'tokenizer.json'):
        assert BertTokenizer(path)("the man's t-shirt", 12)[0].tolist() == expected


def test_ids_and_size_are_those_of_the_file(vocab_file):
    tokenizer = BertTokenizer(vocab_file)
    assert (tokenizer.pad_id, tokenizer.unk_id, tokenizer.bos_id, tokenizer.eos_id, tokenizer.mask_id) == (
        0,
        1,
        2,
        3,
        4,
    )
    assert tokenizer.vocab_size == len(PIECES)


def test_it_can_be_sent_to_a_worker(vocab_file):
    tokenizer = BertTokenizer(vocab_file)
    again = pickle.loads(pickle.dumps(tokenizer))
    assert again('mans shirt', 6)[0].tolist() == tokenizer('mans shirt', 6)[0].tolist() == [2, 6, 9, 7, 3, 0]


def test_a_missing_or_foreign_vocabulary_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'bert/vocab\.txt: no such tokenizer file.*bert-base-uncased'):
        BertTokenizer(tmp_path / 'bert' / 'vocab.txt')
    with pytest.raises(FileNotFoundError, match=r'vocab\.txt'):
        BertTokenizer(tmp_path)
    (tmp_path / 'vocab.txt').write_text('<html>\nthe\n')
    with pytest.raises(ValueError, match=r'vocab\.txt: not the vocabulary of a BERT: it lacks \[PAD\]'):
        BertTokenizer(tmp_path)
    (tmp_path / 'tokenizer.json').write_text('{"a": ')
    with pytest.raises(ValueError, match=r'tokenizer\.json: not a tokenizer'):
        BertTokenizer(tmp_path / 'tokenizer.json')
