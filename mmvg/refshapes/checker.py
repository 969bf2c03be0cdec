"""Read sentences and find the objects they mean, from the written sentence and the annotated boxes alone.

Tests compare it with the generator. It shares no code and no tables with that: a small parser of its own reads the
English back, and each vague word is judged twice, narrowly and widely. If the two readings differ, the sentence is
ambiguous.
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
    'ball',
    'fruit',
    'can',
    'glue',
    'bottle',
    'bowl',
    'cup',
    'block',
    'screwdriver',
    'spoon',
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
    """Raised for a sentence that cannot be read, or that means no definite set of objects."""


@dataclass(frozen=True)
class PictureObject:
    """An annotated object.

    Args:
        shape, colour, size, pattern: As the sentences call them.
        box: ``[x, y, w, h]`` in pixels.
        has_handle: A handle is visible.
    """

    shape: str
    colour: str
    size: str
    pattern: str
    box: Sequence[float]
    has_handle: bool = False

    @property
    def centre(self) -> tuple[float, float]:
        """Centre of the box, x and y in pixels."""
        x, y, w, h = self.box
        return x + w / 2, y + h / 2


@dataclass
class _Phrase:
    """What is read from a sentence without "and": attributes, number, and at most one restriction."""

    attributes: dict[str, str]
    least: int = 1
    most: int = 1
    place: str | None = None
    rank: tuple[int, str] | None = None
    direction: str | None = None
    anchor: dict[str, str] = field(default_factory=dict)
    by_handle: bool = False


def meaning(sentence: str, objects: Sequence[PictureObject], width: int, height: int) -> set[int]:
    """Find the objects that ``sentence`` means.

    Args:
        sentence: As typed.
        objects: All objects of the picture.
        width: Of the picture, in pixels.
        height: Of the picture, in pixels.

    Returns:
        Indices into ``objects``; the empty set says that nothing fits.

    Raises:
        SentenceError: The sentence cannot be parsed, is ambiguous, or speaks of another number of objects than fit.

    Example:
        >>> left = PictureObject('ring', 'red', 'small', 'plain', box=[10, 40, 20, 20])
        >>> right = PictureObject('ring', 'red', 'large', 'plain', box=[110, 40, 40, 40])
        >>> meaning('The red ring on the left.', [left, right], width=160, height=120)
        {0}
    """
    text = _words(sentence)
    if not text:
        raise SentenceError(f'{sentence!r}: there is no word in it')
    halves = _halves(text)
    if halves:
        first, second = (_resolve(_parse(half), half, objects, width, height) for half in halves)
        if first & second or bool(first) != bool(second):
            raise SentenceError(f'{sentence!r}: the halves mean {first} and {second}')
        return first | second
    return _resolve(_parse(text), text, objects, width, height)


def names_handle(sentence: str) -> bool:
    """Tell whether a sentence asks for an object by its handle.

    Example:
        >>> names_handle('The red mug by its handle!'), names_handle('the handle')
        (True, False)
    """
    return bool(_PART.search(_words(sentence)))


def _words(sentence: str) -> str:
    """The words of a sentence in small letters, without punctuation."""
    return ' '.join(re.sub(r'[^a-z ]', ' ', sentence.lower()).split())


def _halves(text: str) -> list[str] | None:
    """Return both sides of an "and" that joins two nouns, rather than two adjectives; None without one."""
    for joint in re.finditer(' and ', text):
        halves = [text[: joint.start()], text[joint.end() :]]
        if all(any(word in _NOUNS for word in half.split()) for half in halves):
            return halves
    return None


def _parse(text: str) -> _Phrase:
    """Read a sentence without "and"."""
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
    """Take the article off the front."""
    return re.sub(r'^(?:the|an?) ', '', text)


def _numbered(text: str, phrase: _Phrase) -> str:
    """Take "all", "both" or a number off the front, and note it in ``phrase``."""
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
    """Read the attributes of a noun and its adjectives."""
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
    """List the objects that have all of ``attributes``."""
    return [i for i, thing in enumerate(objects) if all(getattr(thing, k) == v for k, v in attributes.items())]


def _resolve(phrase: _Phrase, text: str, objects: Sequence[PictureObject], width: int, height: int) -> set[int]:
    """Find the objects of a phrase, and check that both readings, the number and the handle agree."""
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
    """Find the objects that fit, with vague words read narrowly or widely."""
    found = _fit(phrase.attributes, objects)
    if phrase.direction:
        anchors = _fit(phrase.anchor, objects)
        if len(anchors) != 1:
            raise SentenceError(f'{text!r}: {len(anchors)} objects could be the one it is related to')
        others = [i for i in found if i != anchors[0]]
        anchor = objects[anchors[0]]
        return {i for i in others if _lies(phrase.direction, objects[i], anchor, min(width, height), wide)}
    if phrase.place:
        return {i for i in found if _is_at(phrase.place, objects[i], width, height, wide)}
    if phrase.rank and found:
        return _of_rank(phrase.rank, text, found, objects, 0.1 * min(width, height) if wide else 0)
    return set(found)


def _lies(direction: str, thing: PictureObject, anchor: PictureObject, short_side: int, wide: bool) -> bool:
    """Tell whether ``thing`` lies in ``direction`` as seen from ``anchor``."""
    (x, y), (x0, y0) = thing.centre, anchor.centre
    dx, dy = x - x0, y - y0
    along = {'left of': -dx, 'right of': dx, 'above': -dy, 'below': dy}[direction]
    across = abs(dy) if direction in ('left of', 'right of') else abs(dx)
    margin = 0 if wide else 0.1 * short_side
    steep = 0 if wide else 0.7
    return along > margin and along > steep * across


def _is_at(place: str, thing: PictureObject, width: int, height: int, wide: bool) -> bool:
    """Tell whether ``thing`` is in ``place`` of the picture."""
    x, y = thing.centre[0] / width, thing.centre[1] / height
    if place == 'middle':
        near = 0.22 if wide else 0.15
        return abs(x - 0.5) < near and abs(y - 0.5) < near
    limit = 0.5 if wide else 0.4
    distance = {'left': x, 'right': 1 - x, 'top': y, 'bottom': 1 - y}
    return all(distance[side] < limit for side in place.split())


def _of_rank(
    rank: tuple[int, str], text: str, found: list[int], objects: Sequence[PictureObject], slack: float
) -> set[int]:
    """Find the object of ``rank``, and those that stand level with it, up to ``slack`` pixels apart."""
    number, side = rank
    axis, sign = (0 if side in ('left', 'right') else 1), (1 if side in ('left', 'top') else -1)
    order = sorted((sign * objects[i].centre[axis], i) for i in found)
    if len(order) < max(number, 2):
        raise SentenceError(f'{text!r}: only {len(order)} to count')
    return {i for position, i in order if abs(position - order[number - 1][0]) <= slack}
