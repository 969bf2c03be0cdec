"""A second opinion on what a sentence means, from the written sentence and the annotated boxes alone.

It shares no code and no tables with the generator: a small parser of its own reads the English back, and each vague
word is judged twice, narrowly and widely. If the two readings differ, the sentence is ambiguous.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

_SHAPES = [
    'disc',
    'square',
    'triangle',
    'star',
    'ring',
    'cross',
    'heart',
    'bar',
    'arrow',
    'ellipse',
    'hammer',
    'mug',
    'pan',
    'key',
]
_NOUNS = {shape: shape for shape in _SHAPES} | {f'{shape}s': shape for shape in _SHAPES if shape != 'cross'}
_NOUNS |= {'crosses': 'cross', 'object': None, 'objects': None}
_ADJECTIVES = dict.fromkeys(['red', 'green', 'blue', 'yellow', 'pink', 'cyan', 'white', 'black'], 'colour')
_ADJECTIVES |= {'small': 'size', 'large': 'size', 'plain': 'pattern', 'striped': 'pattern', 'dotted': 'pattern'}
_NUMBERS = {'two': 2, 'three': 3, 'four': 4, 'five': 5}
_RANKS = {'leftmost': (1, 'left'), 'rightmost': (1, 'right'), 'topmost': (1, 'top'), 'bottommost': (1, 'bottom')}
_PLACE = r'(?P<place>(?:top|bottom) (?:left|right)|left|right|top|bottom|middle)'
_PLACE_AFTER = re.compile(rf' (?:on|at|near|in) the {_PLACE}(?: side| corner)?(?: of the picture)?$')
_PLACE_BEFORE = re.compile(rf'^{_PLACE} ')
_DIRECTION = re.compile(r'^(.+?) (?:that is |which lies )?(?:to the )?(left of|right of|above|below) (.+)$')
_RANKED = re.compile(r'^(?:the )?(second|third|fourth) (.+) from the (left|right|top|bottom)$')
_PART = re.compile(r' (?:held )?by (?:its|the) handle$')


class SentenceError(ValueError):
    """A sentence that cannot be read, or that means no definite set of objects."""


@dataclass(frozen=True)
class PictureObject:
    """An annotated object; ``box`` is ``[x, y, w, h]`` in pixels."""

    shape: str
    colour: str
    size: str
    pattern: str
    box: Sequence[float]
    has_handle: bool = False

    @property
    def centre(self) -> tuple[float, float]:
        x, y, w, h = self.box
        return x + w / 2, y + h / 2


@dataclass
class _Phrase:
    attributes: dict[str, str]
    least: int = 1
    most: int = 1
    place: str | None = None
    rank: tuple[int, str] | None = None
    direction: str | None = None
    anchor: dict[str, str] = field(default_factory=dict)
    by_handle: bool = False


def meaning(sentence: str, objects: Sequence[PictureObject], width: int, height: int) -> set[int]:
    """Indices of the objects that ``sentence`` means in a picture of ``width`` x ``height`` pixels.

    The empty set says that nothing fits.

    Raises:
        SentenceError: The sentence cannot be parsed, is ambiguous, or speaks of another number of objects than fit.
    """
    text = ' '.join(re.sub(r'[^a-z ]', ' ', sentence.lower()).split())
    halves = _halves(text)
    if halves:
        first, second = (_resolve(_parse(half), half, objects, width, height) for half in halves)
        if first & second or bool(first) != bool(second):
            raise SentenceError(f'{sentence!r}: the halves mean {first} and {second}')
        return first | second
    return _resolve(_parse(text), text, objects, width, height)


def _halves(text: str) -> list[str] | None:
    """Both sides of an "and" that joins two nouns, rather than two adjectives."""
    for joint in re.finditer(' and ', text):
        halves = [text[: joint.start()], text[joint.end() :]]
        if all(any(word in _NOUNS for word in half.split()) for half in halves):
            return halves
    return None


def _parse(text: str) -> _Phrase:
    by_handle = bool(_PART.search(text))
    text = _PART.sub('', text)
    ranked = _RANKED.match(text)
    if ranked:
        number = {'second': 2, 'third': 3, 'fourth': 4}[ranked[1]]
        return _Phrase(_attributes(ranked[2]), rank=(number, ranked[3]), by_handle=by_handle)
    related = _DIRECTION.match(text)
    if related:
        phrase = _parse(related[1])
        phrase.direction, phrase.anchor, phrase.by_handle = related[2], _attributes(_bare(related[3])), by_handle
        return phrase
    phrase = _Phrase({}, by_handle=by_handle)
    after = _PLACE_AFTER.search(text)
    if after:
        phrase.place, text = after['place'], text[: after.start()]
    text = _bare(_numbered(text, phrase))
    words = text.split()
    if words and words[0] in _RANKS:
        phrase.rank, text = _RANKS[words[0]], ' '.join(words[1:]).removesuffix(' in the picture')
    before = _PLACE_BEFORE.match(text)
    if before:
        phrase.place, text = before['place'], text[before.end() :]
    phrase.attributes = _attributes(text)
    return phrase


def _bare(text: str) -> str:
    return re.sub(r'^(?:the|a) ', '', text)


def _numbered(text: str, phrase: _Phrase) -> str:
    """Take "all", "both" or a number off the front."""
    words = text.split()
    if words[0] == 'all':
        phrase.least, phrase.most = 2, 1000
        return ' '.join(words[1:])
    if words[0] == 'both':
        phrase.least = phrase.most = 2
        return ' '.join(words[1:])
    number = next((_NUMBERS[word] for word in words[:2] if word in _NUMBERS), None)
    if number:
        phrase.least = phrase.most = number
        return ' '.join(word for word in words if word not in _NUMBERS)
    return text


def _attributes(text: str) -> dict[str, str]:
    text = text.replace('with stripes', 'striped').replace('with dots', 'dotted')
    found: dict[str, str] = {}
    nouns = 0
    for word in text.replace(' that is ', ' ').replace(' and ', ' ').split():
        if word in _NOUNS:
            nouns += 1
            if _NOUNS[word]:
                found['shape'] = _NOUNS[word]
        elif word in _ADJECTIVES and _ADJECTIVES[word] not in found:
            found[_ADJECTIVES[word]] = word
        else:
            raise SentenceError(f'{text!r}: cannot make sense of {word!r}')
    if nouns != 1:
        raise SentenceError(f'{text!r}: {nouns} nouns where one was expected')
    return found


def _fit(attributes: dict[str, str], objects: Sequence[PictureObject]) -> list[int]:
    return [i for i, thing in enumerate(objects) if all(getattr(thing, k) == v for k, v in attributes.items())]


def _resolve(phrase: _Phrase, text: str, objects: Sequence[PictureObject], width: int, height: int) -> set[int]:
    readings = [_read(phrase, text, objects, width, height, wide) for wide in (False, True)]
    if readings[0] != readings[1]:
        raise SentenceError(f'{text!r} is ambiguous: {readings[0]} read narrowly, {readings[1]} read widely')
    found = readings[0]
    if found and not phrase.least <= len(found) <= phrase.most:
        raise SentenceError(f'{text!r} speaks of {phrase.least} to {phrase.most} objects, but {found} fit')
    if phrase.by_handle and not all(objects[i].has_handle for i in found):
        raise SentenceError(f'{text!r}: {found} have no visible handle')
    return found


def _read(
    phrase: _Phrase, text: str, objects: Sequence[PictureObject], width: int, height: int, wide: bool
) -> set[int]:
    found = _fit(phrase.attributes, objects)
    if phrase.direction:
        anchors = _fit(phrase.anchor, objects)
        if len(anchors) != 1:
            raise SentenceError(f'{text!r}: {len(anchors)} objects could be the one it is related to')
        x0, y0 = objects[anchors[0]].centre
        margin = 0 if wide else 0.1 * min(width, height)
        steep = 0 if wide else 0.7

        def holds(i: int) -> bool:
            x, y = objects[i].centre
            dx, dy = x - x0, y - y0
            along = {'left of': -dx, 'right of': dx, 'above': -dy, 'below': dy}[phrase.direction]
            across = abs(dy) if phrase.direction in ('left of', 'right of') else abs(dx)
            return along > margin and along > steep * across

        return {i for i in found if i != anchors[0] and holds(i)}
    if phrase.place:
        limit = 0.5 if wide else 0.4
        near = 0.22 if wide else 0.15

        def is_there(i: int) -> bool:
            x, y = objects[i].centre[0] / width, objects[i].centre[1] / height
            if phrase.place == 'middle':
                return abs(x - 0.5) < near and abs(y - 0.5) < near
            distance = {'left': x, 'right': 1 - x, 'top': y, 'bottom': 1 - y}
            return all(distance[side] < limit for side in phrase.place.split())

        return {i for i in found if is_there(i)}
    if phrase.rank and found:
        number, side = phrase.rank
        axis, sign = (0 if side in ('left', 'right') else 1), (1 if side in ('left', 'top') else -1)
        order = sorted((sign * objects[i].centre[axis], i) for i in found)
        if len(order) < max(number, 2):
            raise SentenceError(f'{text!r}: only {len(order)} to count')
        # read widely, whatever stands level with the one of this rank is meant as well
        slack = 0.1 * min(width, height) if wide else 0
        return {i for position, i in order if abs(position - order[number - 1][0]) <= slack}
    return set(found)
