from collections import Counter

import numpy as np
import pytest

from mmvg.refshapes import STYLES
from mmvg.refshapes.attributes import HELD_OUT
from mmvg.refshapes.checker import PictureObject, SentenceError, meaning
from mmvg.refshapes.expression_sampler import ExpressionSampler
from mmvg.refshapes.expressions import KINDS
from mmvg.refshapes.records import visible_scene

PLACE_WORDS = {'left', 'right', 'top', 'bottom', 'middle', 'above', 'below', 'from', 'corner', 'side'} | {
    'leftmost',
    'rightmost',
    'topmost',
    'bottommost',
}


def objects_of(record):
    return [
        PictureObject(thing.shape, thing.colour, thing.size, thing.pattern, annotation.bbox, bool(annotation.handle))
        for thing, annotation in zip(record.scene.objects, record.annotations, strict=True)
    ]


def spoken(records, style):
    for record in records:
        for reference in record.references[style]:
            for sentence in reference.sentences:
                yield record, reference, sentence


@pytest.mark.parametrize('style', STYLES)
def test_the_independent_checker_finds_the_same_targets(records, style):
    number = 0
    for record, reference, sentence in spoken(records, style):
        found = meaning(sentence.raw, objects_of(record), record.scene.width, record.scene.height)
        assert found == set(reference.targets), (record.image_id, sentence.raw)
        number += 1
    assert number > 150


def test_the_checker_notices_when_words_are_exchanged(records):
    exchange = {'left': 'right', 'right': 'left', 'top': 'bottom', 'bottom': 'top', 'above': 'below', 'below': 'above'}
    noticed, number = 0, 0
    for record, reference, sentence in spoken(records, 'refcoco'):
        if sentence.kind in ('place', 'relation'):
            words = [exchange.get(word.removesuffix('most'), word) for word in sentence.sent.split()]
            words = [w + 'most' if o.endswith('most') else w for w, o in zip(words, sentence.sent.split(), strict=True)]
            try:
                found = meaning(' '.join(words), objects_of(record), record.scene.width, record.scene.height)
            except SentenceError:
                found = None
            noticed += found != set(reference.targets)
            number += 1
    assert noticed == number - sum(
        'middle' in s.sent.split() for _, _, s in spoken(records, 'refcoco') if s.kind in ('place', 'relation')
    )


def test_single_target_styles_have_single_targets_and_refcoco_plus_no_place_words(records):
    for style in ('refcoco', 'refcoco+', 'refcocog'):
        assert all(len(reference.targets) == 1 for record in records for reference in record.references[style])
    for _, _, sentence in spoken(records, 'refcoco+'):
        assert not PLACE_WORDS & set(sentence.sent.split())


def test_refcocog_is_longer_than_refcoco(records):
    length = {s: np.mean([len(x.sent.split()) for _, _, x in spoken(records, s)]) for s in ('refcoco', 'refcocog')}
    assert length['refcocog'] > 1.5 * length['refcoco']


def test_grefcoco_has_every_kind_and_about_as_many_misses_as_asked_for(records):
    kinds = Counter(sentence.kind for _, _, sentence in spoken(records, 'grefcoco'))
    assert set(kinds) == set(KINDS)
    assert 0.13 < kinds['no_target'] / kinds.total() < 0.3
    for _, reference, sentence in spoken(records, 'grefcoco'):
        assert (sentence.kind == 'no_target') == (reference.targets == ())
        if sentence.kind in ('group', 'count', 'conjunction'):
            assert len(reference.targets) >= 2


def test_most_misses_name_a_colour_and_a_shape_that_are_both_present(records):
    near = total = 0
    for record, _, sentence in spoken(records, 'grefcoco'):
        if sentence.kind == 'no_target':
            words = {word.removesuffix('s') for word in sentence.sent.split()} | set(sentence.sent.split())
            colours = {thing.colour for thing in record.scene.objects} & words
            shapes = {thing.shape for thing in record.scene.objects} & words
            near += bool(colours and shapes)
            total += 1
    assert near / total > 0.5


def test_outside_testb_nobody_speaks_of_a_held_out_combination(records):
    seen_in_test = set()
    for record, _, sentence in spoken(records, 'grefcoco'):
        words = sentence.sent.split()
        for colour, shape in HELD_OUT:
            if any(f'{colour} {noun}' in ' '.join(words) for noun in (shape,)):
                assert record.split == 'testB', sentence.sent
                seen_in_test.add((colour, shape))
    assert len(seen_in_test) > 5


def test_nothing_is_said_twice_about_a_picture(records):
    for style in STYLES:
        for record in records:
            sentences = [s.sent for reference in record.references[style] for s in reference.sentences]
            assert len(sentences) == len(set(sentences))


def test_a_wanted_target_is_the_one_that_is_meant(records):
    visible = visible_scene(records[0])
    sampler = ExpressionSampler(visible, np.random.default_rng(0))
    for target in range(len(visible.objects)):
        for kind in ('attribute', 'place', 'relation'):
            found = sampler.sample(kind, target)
            assert found is None or found[1].targets == (target,)
