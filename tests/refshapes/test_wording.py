import numpy as np
import pytest

from mmvg.refshapes.expressions import Conjunction, Count, Group, Noun, Place, Rank, Referent, Relation, Single
from mmvg.refshapes.wording import SentenceWriter, as_typed, grammar_words, plural


def wordings(expression, long=False):
    writer = SentenceWriter(np.random.default_rng(0), long)
    return {writer.write(expression) for _ in range(300)}


@pytest.mark.parametrize(
    ('expression', 'sentences'),
    [
        (Single(Referent(Noun('ring', 'red'))), {'the red ring', 'red ring'}),
        (
            Single(Referent(Noun('ring', 'red'), Place('left'))),
            {'the red ring on the left', 'red ring on the left', 'the left red ring', 'left red ring'},
        ),
        (Single(Referent(Noun('star'), Rank(1, 'left'))), {'the leftmost star', 'leftmost star'}),
        (
            Single(Referent(Noun('star'), Rank(2, 'left'))),
            {'the second star from the left', 'second star from the left'},
        ),
        (Count(Referent(Noun('cross', 'red')), 2), {'the two red crosses', 'two red crosses'}),
        (Group(Referent(Noun('star', 'green')), both=True), {'both green stars', 'both the green stars'}),
        (Group(Referent(Noun(colour='red'))), {'all red objects', 'all the red objects'}),
        (
            Single(Referent(Noun('hammer')), part='handle'),
            {f'{article}hammer by {its} handle' for article in ('', 'the ') for its in ('its', 'the')},
        ),
    ],
)
def test_short_wordings(expression, sentences):
    assert wordings(expression) == sentences


def test_long_wordings_speak_in_whole_phrases():
    relation = Single(Referent(Noun('square'), Relation('left of', Noun('mug', 'blue'))))
    assert 'the square that is to the left of the blue mug' in wordings(relation, long=True)
    attribute = Single(Referent(Noun('ring', 'red', 'small', 'striped')))
    assert 'the ring that is small and striped and red' in wordings(attribute, long=True)
    assert 'a small red ring with stripes' in wordings(attribute, long=True)


def test_a_conjunction_joins_both_halves():
    both = Conjunction(Single(Referent(Noun('star', 'red'))), Single(Referent(Noun('ring', 'blue'))))
    assert 'the red star and the blue ring' in wordings(both)


def test_plurals():
    assert [plural(word) for word in ('star', 'cross', 'ellipse')] == ['stars', 'crosses', 'ellipses']


def test_every_written_word_is_in_the_vocabulary(records):
    words = {
        word
        for record in records
        for references in record.references.values()
        for reference in references
        for sentence in reference.sentences
        for word in sentence.sent.split()
    }
    assert words <= set(grammar_words())
    assert len(words) > 0.9 * len(grammar_words())


def test_typed_sentences_differ_from_clean_ones_by_case_punctuation_and_spaces_only():
    rng = np.random.default_rng(0)
    typed = [as_typed('the red ring', rng) for _ in range(300)]
    assert {' '.join(text.lower().strip('.!').split()) for text in typed} == {'the red ring'}
    assert {'the red ring', 'The red ring', 'the red ring.', 'THE RED RING'} <= set(typed)
