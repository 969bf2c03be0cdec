import random

import pytest

from mmvg.datasets.tokenizers import CLIPTokenizer
from mmvg.export.clip_pieces import CLIPPieces, write_pieces

TEXTS = [
    'the red ring',
    "  The man's T-shirt, 2nd from the RIGHT!",
    "don't you'LL 12 3abc",
    'naïve café “quotes” 日本語 😀',
    '&amp;lt; <start_of_text> !!??',
    '',
]


@pytest.fixture(scope='module')
def pair(tmp_path_factory):
    tokenizer, file = CLIPTokenizer(), tmp_path_factory.mktemp('clip') / 'clip.json'
    write_pieces(tokenizer, file)
    return tokenizer, CLIPPieces(file)


def test_the_pieces_are_those_of_clip(pair):
    clip, pieces = pair
    draw = random.Random(0)
    drawn = [''.join(draw.choices("abcdefghij 'ÄÖ!.,-012&;<>\t日😀", k=draw.randint(1, 40))) for _ in range(500)]
    assert [text for text in TEXTS + drawn if clip.encode(text) != pieces.encode(text)] == []
    assert (pieces.bos_id, pieces.eos_id, pieces.pad_id, pieces.vocab_size) == (
        clip.bos_id,
        clip.eos_id,
        clip.pad_id,
        clip.vocab_size,
    )


def test_a_text_that_is_cut_says_what_is_left_out(pair):
    clip, pieces = pair
    assert pieces.left_out('the red ring on the left', 5) == clip.left_out('the red ring on the left', 5) != {}


def test_a_file_that_is_no_tokenizer_is_named(tmp_path):
    (tmp_path / 'clip.json').write_text('{}')
    with pytest.raises(ValueError, match=r'clip\.json: not a tokenizer'):
        CLIPPieces(tmp_path / 'clip.json')
    with pytest.raises(FileNotFoundError, match=r'none\.json: no such tokenizer'):
        CLIPPieces(tmp_path / 'none.json')
