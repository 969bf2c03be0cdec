import pickle

import pytest

from mmvg.datasets.tokenizers import CLIPTokenizer


@pytest.fixture(scope='module')
def tokenizer():
    return CLIPTokenizer()


@pytest.mark.parametrize(
    'text',
    [
        '',
        ' ',
        'the man on the left',
        'T-shirt!! of the MAN',
        'a\u00e9\u4e2d',
        'very ' * 40 + 'long',
        "man's  caf\u00e9 &amp; bar!",
    ],
)
@pytest.mark.parametrize('length', [8, 22, 77])
def test_ids_are_those_of_open_clip(tokenizer, text, length):
    import open_clip

    ids, mask = tokenizer(text, length)
    expected = open_clip.SimpleTokenizer()(text, context_length=length)[0]
    assert ids.tolist() == expected.tolist()
    # the end token has the highest id, and nothing after it is a real token
    assert mask.tolist() == [position <= ids.argmax() for position in range(length)]


def test_ids_are_those_of_clip_itself(tokenizer):
    # published in CLIP's own notebook for "a diagram"; 49406 begins and 49407 ends
    assert tokenizer('a diagram', 5)[0].tolist() == [49406, 320, 22697, 49407, 0]
    assert (tokenizer.vocab_size, tokenizer.bos_id, tokenizer.eos_id, tokenizer.pad_id) == (49408, 49406, 49407, 0)


def test_id_0_can_be_a_real_token(tokenizer):
    ids, mask = tokenizer('!#$', 8)  # '!' begins a longer piece here
    assert ids.tolist() == [49406, 0, 2, 259, 49407, 0, 0, 0]
    assert mask.tolist() == [True] * 5 + [False] * 3


def test_it_can_be_sent_to_a_worker(tokenizer):
    again = pickle.loads(pickle.dumps(tokenizer))
    assert again('the red ring', 6)[0].tolist() == tokenizer('the red ring', 6)[0].tolist()


def test_only_the_end_can_be_unread(tokenizer):
    assert tokenizer.left_out('the \u4e2d ring', 22) == {}
    assert tokenizer.left_out('the red ring on the left', 6) == dict(unread_text='the left')
