import pickle
from pathlib import Path

import pytest
import sentencepiece

from mmvg.datasets.tokenizers import BEiT3Tokenizer

CORPUS = [
    'the red ring on the left',
    'two blue squares',
    'a man in a white t shirt',
    'all green stars',
    'the hammer',
] * 20


@pytest.fixture(scope='module')
def vocab_file(tmp_path_factory) -> Path:
    """A small sentencepiece model, numbered as beit3.spm: <unk> 0, <s> 1, </s> 2."""
    folder = tmp_path_factory.mktemp('beit3')
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS), model_prefix=str(folder / 'tiny'), vocab_size=30, minloglevel=2
    )
    return folder / 'tiny.model'


def test_pieces_are_shifted_by_one_between_begin_and_end(vocab_file):
    tokenizer = BEiT3Tokenizer(vocab_file)
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(vocab_file)).encode('the red ring')
    assert 0 not in pieces
    ids, mask = tokenizer('the red ring', 20)
    n = len(pieces)
    assert ids.tolist() == [0, *(piece + 1 for piece in pieces), 2] + [1] * (18 - n)
    assert mask.tolist() == [True] * (n + 2) + [False] * (18 - n)


def test_what_no_piece_covers_is_unknown(vocab_file):
    ids, mask = BEiT3Tokenizer(vocab_file)('\u4e2d', 6)
    assert 3 in ids[mask]


def test_an_empty_text_is_begin_and_end(vocab_file):
    for text in ('', '   '):
        ids, mask = BEiT3Tokenizer(vocab_file)(text, 4)
        assert ids.tolist() == [0, 2, 1, 1]
        assert mask.tolist() == [True, True, False, False]


def test_truncation_keeps_the_end(vocab_file):
    ids, mask = BEiT3Tokenizer(vocab_file)('the red ring on the left ' * 3, 5)
    assert (ids[0], ids[-1], mask.all()) == (0, 2, True)


def test_what_is_not_read_is_told(vocab_file):
    tokenizer = BEiT3Tokenizer(vocab_file)
    assert tokenizer.left_out('the \u4e2d', 12) == dict(unknown_words=['\u4e2d'])
    room = len(tokenizer.encode('the red ring'))
    assert tokenizer.left_out('the red ring on the left', room + 2) == dict(unread_text='on the left')
    assert tokenizer.left_out('the red ring', room + 2) == {}


def test_the_mask_token_comes_after_the_last_piece(vocab_file):
    tokenizer = BEiT3Tokenizer(vocab_file)  # 30 pieces; with 64000 the numbers are 64001 and 64002
    assert (tokenizer.mask_id, tokenizer.vocab_size) == (31, 32)
    assert (tokenizer.bos_id, tokenizer.pad_id, tokenizer.eos_id, tokenizer.unk_id) == (0, 1, 2, 3)


def test_it_can_be_sent_to_a_worker(vocab_file):
    tokenizer = BEiT3Tokenizer(vocab_file)
    again = pickle.loads(pickle.dumps(tokenizer))
    assert again('two squares', 9)[0].tolist() == tokenizer('two squares', 9)[0].tolist()


def test_a_missing_or_foreign_file_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'beit3\.spm: no such tokenizer file.*BEiT-3 README'):
        BEiT3Tokenizer(tmp_path / 'beit3.spm')
    (tmp_path / 'beit3.spm').write_text('<html>not found</html>')
    with pytest.raises(ValueError, match=r'beit3\.spm: not a sentencepiece model'):
        BEiT3Tokenizer(tmp_path / 'beit3.spm')
