"""Sentences to ask: about one object of a wanted kind, about nothing, or typed by a user."""

import numpy as np

from mmvg.refshapes.checker import PictureObject, SentenceError, meaning, names_handle
from mmvg.refshapes.expressions import Single, kind_of
from mmvg.refshapes.layout import choose
from mmvg.refshapes.wording import SentenceWriter
from mmvg.simulation import HANDLED, TableScene, TableSentence

from ..sentences import is_seen, mask_corners, table_sampler

#: How an object is asked for: by what it is, where it is, or what it is beside; by its handle where it has one.
FORMS = {'attribute': 0.5, 'place': 0.2, 'relation': 0.3}
_HANDLE = 0.5  # share of the sentences about things with a handle
_TRIES = 12


def sentence_about(scene: TableScene, index: int, rng: np.random.Generator) -> TableSentence | None:
    """Draw a sentence that means object ``index`` and nothing else; None if none was found."""
    sampler, writer = table_sampler(scene.objects, scene.view, rng), SentenceWriter(rng)
    for _ in range(_TRIES):
        handled = scene.objects[index].kind in HANDLED and rng.random() < _HANDLE
        sampled = sampler.sample('part' if handled else choose(rng, FORMS), index)
        if sampled is not None:
            expression, answer = sampled
            part = expression.part if isinstance(expression, Single) else None
            return TableSentence(writer.write(expression), kind_of(expression), answer.targets, part)
    return None


def sentence_about_nothing(scene: TableScene, rng: np.random.Generator) -> TableSentence | None:
    """Draw a sentence that means nothing on the table, but nearly does; None if none was found."""
    sampled = table_sampler(scene.objects, scene.view, rng).sample('no_target', tries=40)
    return sampled and TableSentence(SentenceWriter(rng).write(sampled[0]), 'no_target', (), None)


def read_sentence(scene: TableScene, text: str) -> TableSentence:
    """Find out what a typed sentence means on a table, by the checker of RefShapes, which is no model.

    Raises:
        ValueError: If the sentence cannot be read or is ambiguous; the message lists sentences that can be asked.
    """
    known = {sentence.text: sentence for sentence in scene.sentences}
    if text in known:
        return known[text]
    height, width = scene.view.instances.shape
    things = []
    for index, thing in enumerate(scene.objects):
        x1, y1, x2, y2 = mask_corners(scene.view.mask(index))
        handle = 'handle' in thing.parts and is_seen(scene.view.mask(index, 'handle'))
        box = [x1, y1, x2 - x1, y2 - y1]
        things.append(PictureObject(thing.kind, thing.colour, thing.size, thing.pattern, box, handle))
    try:
        targets = tuple(sorted(meaning(text, things, width, height)))
    except SentenceError as error:
        asked = '; '.join(f'"{sentence}"' for sentence in known)
        raise ValueError(f'{error}. On this table one can ask: {asked}') from error
    part = 'handle' if targets and names_handle(text) else None
    return TableSentence(text, 'typed' if targets else 'no_target', targets, part)
