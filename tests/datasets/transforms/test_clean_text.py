import pytest

from mmvg.datasets.transforms import CleanText


def clean(text, reader: str, empty: str = 'raise') -> str | None:
    item = {'text': text, 'dataset': 'refcoco', 'img_id': 1, 'ref_id': 3, 'sent_id': 9}
    results = CleanText(reader, empty=empty)(item)
    return results and results['text']


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ("The Man's t-shirt", 'the mans t shirt'),
        ('left/right: #2 (of 3); "that" one!?', 'left right 2 of 3 that one'),
        (' 2nd  from   left. ', ' 2nd  from   left '),  # neither stripped nor collapsed
        ('caf\u00e9, \u4e2d*', 'caf\u00e9 \u4e2d'),
        ("'-'/'", '  '),  # deletion first, then two blanks
        ('a_b & c@d', 'a_b & c@d'),  # nothing else is deleted
    ],
)
def test_instancevg_deletes_and_replaces_as_the_authors_code_does(text, expected):
    assert clean(text, 'instancevg', empty='keep') == expected


def test_the_other_readers_leave_punctuation_alone():
    text = ' The Man, LEFT '
    assert clean(text, 'raw') == text
    assert clean(text, 'cris') == 'The Man, LEFT'
    assert clean(text, 'sent') == 'the man, left'


@pytest.mark.parametrize(('text', 'reader'), [('?!', 'instancevg'), ('-', 'instancevg'), (' ', 'raw'), ('', 'cris')])
def test_an_empty_expression_raises_is_skipped_or_kept_as_configured(text, reader):
    with pytest.raises(ValueError, match=r'refcoco img_id=1 ref_id=3 sent_id=9: nothing is left of the expression'):
        clean(text, reader)
    assert clean(text, reader, empty='skip') is None
    assert clean(text, reader, empty='keep').strip() == ''


@pytest.mark.parametrize('text', [None, 5, ['left']])
@pytest.mark.parametrize('empty', ['raise', 'skip', 'keep'])
def test_an_expression_that_is_no_text_is_an_error(text, empty):
    with pytest.raises(TypeError, match=r'ref_id=3 sent_id=9: the expression must be a str'):
        clean(text, 'raw', empty)


def test_unknown_settings_are_refused():
    with pytest.raises(ValueError, match="reader must be 'raw', 'sent', 'cris' or 'instancevg', not 'lavt'"):
        CleanText('lavt')
    with pytest.raises(ValueError, match="not 'drop'"):
        CleanText('raw', empty='drop')
