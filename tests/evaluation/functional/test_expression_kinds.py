"""Labels were given by a person who did not look at the word lists; the lists were then made to agree."""

import pytest

from mmvg.evaluation.functional import KINDS, expression_kinds
from mmvg.evaluation.functional.expression_kinds import DATA_KINDS
from mmvg.refshapes import SIZES, make_record
from mmvg.refshapes.expressions import KINDS as KINDS_OF_REFSHAPES

SENTENCES = {
    'the kettle': 'name',
    'Zebra': 'name',
    'guy in white shirt': 'attribute',
    'the largest elephant': 'attribute',
    'kid in a blue rain jacket': 'attribute',
    'black suitcase with red ribbon': 'attribute',
    'an open umbrella': 'attribute',
    'man wearing sunglasses': 'attribute',
    'the boy with a cap': 'attribute',
    'player number 5': 'attribute',
    'lady in all black': 'attribute',
    'truck that says Ford': 'attribute',
    'person who is sitting': 'attribute',
    'left': 'place',
    'the top left donut': 'place',
    'girl on right': 'place',
    'broccoli, upper right': 'place',
    'the one in back': 'place',
    'bike in the background': 'place',
    'leftmost sheep': 'place',
    'cow at the far right': 'place',
    'mug on the left side of the picture': 'place',
    'the red car in the lower left corner': 'attribute place',
    'the tall man at the right edge of the photo': 'attribute place',
    'car in front of the bus': 'relation',
    'the chair to the left of the desk': 'relation',
    'cup on the left of the plate': 'relation',
    'the cat on top of the fridge': 'relation',
    'right next to the tv': 'relation',
    'pizza slice closest to us': 'relation',
    'bowl in the sink': 'relation',
    'woman holding an umbrella': 'relation',
    'the boat between the two towers': 'relation count',
    'white dog behind the fence': 'attribute relation',
    'the second horse': 'ordinal',
    'second from left': 'place ordinal',
    '3rd bus from the right': 'place ordinal',
    'the last car': 'ordinal',
    'both cats': 'count',
    'three birds': 'count',
    'the 2 dogs': 'count',
    'all of the bananas': 'count',
    'a couple of giraffes': 'count',
    'two men on the bench': 'relation count',
    'the hammer by its handle': 'part',
    "the dog's tail": 'part',
    "the woman's left hand": 'part',
    'leg of the table': 'part',
    'half of the sandwich': 'part',
    'man without a tie': 'negation',
    'the plane that is not flying': 'negation',
    "the child who isn't smiling": 'attribute negation',
    'everyone except the man in red': 'attribute count negation',
    'the lamp which has no shade': 'negation',
}


@pytest.mark.parametrize('text', SENTENCES)
def test_the_words_of_a_sentence_tell_its_kinds(text):
    assert ' '.join(expression_kinds(text)) == SENTENCES[text]


def test_every_kind_is_among_the_sentences():
    assert {kind for kinds in SENTENCES.values() for kind in kinds.split()} == set(KINDS)


def test_case_punctuation_and_quotes_change_nothing():
    assert expression_kinds('The DOG\u2019S tail!!') == ('part',)
    assert expression_kinds('  Man, on the LEFT. ') == ('place',)
    assert expression_kinds('') == expression_kinds('...') == ('name',)


@pytest.mark.parametrize('text', ['brightness dial', 'leftover pizza', 'topping', 'notebook', 'firstborn', 'handlebar'])
def test_parts_of_words_are_no_words(text):
    assert expression_kinds(text) == ('name',)


def test_the_words_of_refshapes_tell_what_its_grammar_knows():
    styles = ['refcoco', 'refcoco+', 'refcocog', 'grefcoco']
    seen = set()
    for index in range(12):
        record, _ = make_record(SIZES['tiny'], seed=1, split='train', index=index, styles=styles)
        for sentence in (s for style in styles for ref in record.references[style] for s in ref.sentences):
            kind = DATA_KINDS.get(sentence.kind, sentence.kind)
            found = expression_kinds(sentence.raw)
            assert kind is None or kind in found or (kind, found) == ('attribute', ('name',)), sentence
            seen.add(sentence.kind)
    assert seen == set(KINDS_OF_REFSHAPES)
