from collections import Counter

import numpy as np
import pytest

from mmvg.refshapes.attributes import HELD_OUT
from mmvg.refshapes.checker import PictureObject, SentenceError, meaning
from mmvg.refshapes.negatives import draw_negatives
from mmvg.refshapes.records import visible_scene

PLACE_WORDS = {'left', 'right', 'top', 'bottom', 'middle', 'corner', 'side', 'above', 'below', 'leftmost', 'topmost'}


def picture(record):
    """What the independent checker sees."""
    return [
        PictureObject(thing.shape, thing.colour, thing.size, thing.pattern, annotation.bbox, bool(annotation.handle))
        for thing, annotation in zip(record.scene.objects, record.annotations, strict=True)
    ]


@pytest.mark.parametrize('style', ['refcoco', 'refcoco+', 'refcocog'])
def test_an_independent_reader_finds_nothing_that_is_meant(records, style):
    for record in records:
        sentences = draw_negatives(record, style, 10, np.random.default_rng(record.image_id))
        assert len({sentence.sent for sentence in sentences}) == len(sentences)
        assert {sentence.kind for sentence in sentences} <= {'no_target'}
        for sentence in sentences:
            scene = record.scene
            assert meaning(sentence.raw, picture(record), scene.width, scene.height) == set(), sentence.raw


def test_most_pictures_have_ten_different_ones(records):
    counts = Counter(len(draw_negatives(record, 'refcoco', 10, np.random.default_rng(0))) for record in records)
    assert counts[10] > 0.8 * len(records)


def test_refcoco_plus_has_no_words_of_place_and_refcocog_long_sentences(records):
    texts = {
        style: [s.sent for record in records for s in draw_negatives(record, style, 5, np.random.default_rng(1))]
        for style in ('refcoco', 'refcoco+', 'refcocog')
    }
    assert not any(PLACE_WORDS & set(text.split()) for text in texts['refcoco+'])
    assert any(PLACE_WORDS & set(text.split()) for text in texts['refcoco'])
    words = {style: np.mean([len(text.split()) for text in found]) for style, found in texts.items()}
    assert words['refcocog'] > words['refcoco'] + 1


def test_each_form_is_one_that_the_style_has(records):
    starts = {'all', 'both', 'two', 'three', 'four', 'five'}
    for record in records:
        for sentence in draw_negatives(record, 'refcoco', 10, np.random.default_rng(2)):
            words = sentence.sent.removeprefix('the ').split()
            assert not starts & set(words[:1])
            assert 'and' not in words


def test_held_out_pairs_are_named_in_testb_only(records):
    def named(record):
        sentences = draw_negatives(record, 'refcoco+', 10, np.random.default_rng(3))
        return any(
            colour in s.sent.split() and shape in s.sent.split() for s in sentences for colour, shape in HELD_OUT
        )

    assert not any(named(record) for record in records if record.split != 'testB')
    assert any(named(record) for record in records if record.split == 'testB')


def test_the_same_numbers_give_the_same_sentences(records):
    first, again = (draw_negatives(records[0], 'refcoco', 10, np.random.default_rng(4)) for _ in range(2))
    assert first == again
    assert first != draw_negatives(records[0], 'refcoco', 10, np.random.default_rng(5))


def test_the_checker_would_notice_a_true_sentence(records):
    record = records[0]
    thing = record.scene.objects[0]
    seen = visible_scene(record).objects
    text = f'all {thing.shape}{"es" if thing.shape == "cross" else "s"}'
    if sum(other.shape == thing.shape for other in seen) > 1:
        assert meaning(text, picture(record), record.scene.width, record.scene.height)
    else:
        with pytest.raises(SentenceError):
            meaning(text, picture(record), record.scene.width, record.scene.height)
