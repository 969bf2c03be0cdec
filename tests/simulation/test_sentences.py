from collections import Counter

import numpy as np

from mmvg.refshapes.checker import PictureObject, SentenceError, meaning
from mmvg.simulation import draw_table
from mmvg.simulation.sentences import draw_sentences, is_seen, mask_corners


def picture_objects(scene, view):
    """What the independent checker sees."""
    seen = []
    for index, thing in enumerate(scene.objects):
        x1, y1, x2, y2 = mask_corners(view.mask(index))
        box, handle = [x1, y1, x2 - x1, y2 - y1], is_seen(view.mask(index, 'handle'))
        seen.append(PictureObject(thing.kind, thing.colour, thing.size, thing.pattern, box, has_handle=handle))
    return seen


def test_the_independent_checker_finds_the_same_targets(tables):
    kinds = Counter()
    for scene in tables:
        objects = picture_objects(scene, scene.view)
        for sentence in draw_sentences(scene.objects, scene.view, np.random.default_rng(0), number=25):
            assert meaning(sentence.text, objects, 320, 240) == set(sentence.targets), sentence
            assert (sentence.kind == 'no_target') == (not sentence.targets)
            assert (sentence.part == 'handle') == ('handle' in sentence.text.split())
            kinds[sentence.kind] += 1
    assert {'attribute', 'place', 'relation', 'part', 'no_target'} <= kinds.keys()


def test_the_checker_notices_a_picture_that_is_mirrored(tables):
    wrong = 0
    for scene in tables:
        objects = picture_objects(scene, scene.view)
        for thing in objects:
            thing.box[0] = 320 - thing.box[0] - thing.box[2]
        for sentence in draw_sentences(scene.objects, scene.view, np.random.default_rng(0), number=25):
            try:
                wrong += meaning(sentence.text, objects, 320, 240) != set(sentence.targets)
            except SentenceError:
                wrong += 1
    assert wrong > 10


def test_sentences_are_drawn_once(tables):
    assert tables[1].sentences is tables[1].sentences
    assert tables[1].sentences == draw_table(1, tables[1].layout).sentences
