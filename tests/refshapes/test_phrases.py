from collections import Counter

import numpy as np

from mmvg.refshapes.phrases import Phrase, draw_phrases
from mmvg.refshapes.wording import grammar_words

COLOURS = {'red', 'green', 'blue', 'yellow', 'pink', 'cyan', 'white', 'black'}
PATTERNS = {
    'plain': 'plain',
    'striped': 'striped',
    'dotted': 'dotted',
    'with stripes': 'striped',
    'with dots': 'dotted',
}


def fits(phrase, thing):
    """Whether an object has all attributes of a phrase, read independently of the generator."""
    for word in phrase.attributes:
        value = thing.colour if word in COLOURS else thing.size if word in ('small', 'large') else thing.pattern
        if value != PATTERNS.get(word, word):
            return False
    return thing.shape == phrase.name


def centre(annotation):
    x, y, w, h = annotation.bbox
    return np.array([x + w / 2, y + h / 2])


def beyond(predicate, thing, anchor):
    """How far ``thing`` lies in the direction from ``anchor``."""
    axis, sign = {'left of': (0, -1), 'right of': (0, 1), 'above': (1, -1), 'below': (1, 1)}[predicate]
    return sign * (centre(thing) - centre(anchor))[axis]


def drawn(records, number=6):
    return [(record, draw_phrases(record, np.random.default_rng(i), number)) for i, record in enumerate(records)]


def test_a_phrase_means_every_object_that_fits_and_no_other(records):
    related = 0
    for record, phrases in drawn(records):
        for phrase in phrases:
            fitting = [i for i, thing in enumerate(record.scene.objects) if fits(phrase, thing)]
            if not phrase.relations:
                assert phrase.targets == tuple(fitting)
                continue
            related += 1
            ((predicate, name),) = phrase.relations
            (anchor,) = (i for i, thing in enumerate(record.scene.objects) if thing.shape == name)
            far = {i: beyond(predicate, record.annotations[i], record.annotations[anchor]) for i in fitting}
            assert set(phrase.targets) <= set(fitting)
            assert all((far[i] > 0) == (i in phrase.targets) or far[i] < 0 for i in fitting)
            assert all(far[i] > 0 for i in phrase.targets)
    assert related > 10


def test_there_are_phrases_of_every_type_for_one_and_for_several(records):
    phrases = [phrase for _, found in drawn(records) for phrase in found]
    assert set(Counter(phrase.type for phrase in phrases)) == {'name', 'attribute', 'relation', 'verbose'}
    assert {min(len(phrase.targets), 3) for phrase in phrases} == {1, 2, 3}


def test_the_words_of_a_picture_differ_and_are_in_the_vocabulary(records):
    words = set(grammar_words())
    for _, phrases in drawn(records):
        assert len({phrase.text for phrase in phrases}) == len(phrases)
        assert all(set(phrase.text.split()) <= words for phrase in phrases)


def test_attributes_of_several_words_come_after_the_name():
    phrase = Phrase('ring', ('large', 'with dots', 'red'), (('left of', 'mug'),), (0,))
    assert phrase.text == 'large red ring with dots left of mug'
    assert phrase.type == 'verbose'
    assert Phrase('ring', (), (), (0,)).type == 'name'
    assert Phrase('ring', ('red',), (), (0,)).type == 'attribute'
    assert Phrase('ring', (), (('above', 'mug'),), (0,)).type == 'relation'


def test_the_same_numbers_give_the_same_phrases(records):
    assert drawn(records[:5]) == drawn(records[:5])
