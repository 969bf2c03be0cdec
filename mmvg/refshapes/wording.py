"""Word expressions in English, as short phrases or as the longer ones of RefCOCOg."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from .attributes import COLOURS, EXTENTS, PATTERNS
from .expressions import Conjunction, Count, Expression, Group, Noun, Place, Rank, Referent, Relation
from .shapes import SHAPES

ANY_SHAPE = 'object'
NUMBERS = {2: 'two', 3: 'three', 4: 'four', 5: 'five'}
ORDINALS = {2: 'second', 3: 'third', 4: 'fourth'}
EXTREMES = {'left': 'leftmost', 'right': 'rightmost', 'top': 'topmost', 'bottom': 'bottommost'}
PATTERN_PHRASES = {'striped': 'with stripes', 'dotted': 'with dots'}
SHORT_PLACES = {
    'left': 'on the left',
    'right': 'on the right',
    'top': 'at the top',
    'bottom': 'at the bottom',
    'middle': 'in the middle',
} | {f'{v} {h}': f'in the {v} {h} corner' for v in ('top', 'bottom') for h in ('left', 'right')}
LONG_PLACES = {
    'left': 'on the left side of the picture',
    'right': 'on the right side of the picture',
    'top': 'near the top of the picture',
    'bottom': 'near the bottom of the picture',
    'middle': 'in the middle of the picture',
} | {f'{v} {h}': f'in the {v} {h} corner of the picture' for v in ('top', 'bottom') for h in ('left', 'right')}
SHORT_DIRECTIONS = {
    'left of': ('left of', 'to the left of'),
    'right of': ('right of', 'to the right of'),
    'above': ('above',),
    'below': ('below',),
}
LONG_DIRECTIONS = {
    'left of': ('that is to the left of', 'which lies left of'),
    'right of': ('that is to the right of', 'which lies right of'),
    'above': ('that is above', 'which lies above'),
    'below': ('that is below', 'which lies below'),
}


def plural(noun: str) -> str:
    """Return the plural of a noun.

    Example:
        >>> plural('cross'), plural('ring')
        ('crosses', 'rings')
    """
    return noun + ('es' if noun.endswith('s') else 's')


def grammar_words(shapes: Collection[str] = tuple(SHAPES)) -> list[str]:
    """List every word that the grammar can write about ``shapes``, sorted.

    Example:
        >>> grammar_words()[:4]
        ['a', 'above', 'all', 'and']
    """
    phrases = [*shapes, *COLOURS, *EXTENTS, *PATTERNS, ANY_SHAPE, *map(plural, (*shapes, ANY_SHAPE))]
    phrases += [*NUMBERS.values(), *ORDINALS.values(), *EXTREMES.values(), *PATTERN_PHRASES.values()]
    phrases += [*SHORT_PLACES, *SHORT_PLACES.values(), *LONG_PLACES.values()]
    for words in (*SHORT_DIRECTIONS.values(), *LONG_DIRECTIONS.values()):
        phrases += words
    phrases += ['the a all both and by its handle held from that is']
    return sorted({word for phrase in phrases for word in phrase.split()})


@dataclass
class SentenceWriter:
    """Word expressions; every choice between equal wordings is drawn from ``rng``.

    Args:
        rng: Source of the choices.
        long: Whole phrases ("that is to the left of") instead of short ones ("left of").

    Example:
        >>> from mmvg.refshapes.expressions import Noun, Place, Referent, Single
        >>> expression = Single(Referent(Noun(shape='ring', colour='red'), Place('left')))
        >>> SentenceWriter(np.random.default_rng(0)).write(expression)
        'left red ring'
    """

    rng: np.random.Generator
    long: bool = False

    def write(self, expression: Expression) -> str:
        """Word ``expression`` in lower-case English without punctuation."""
        if isinstance(expression, Conjunction):
            return f'{self.write(expression.first)} and {self.write(expression.second)}'
        referent = expression.referent
        if isinstance(expression, Group):
            lead = 'both' if expression.both else 'all'
            return self._phrase(referent, lead if self.long or self._often(0.7) else f'{lead} the', many=True)
        if isinstance(expression, Count):
            number = NUMBERS[expression.number]
            return self._phrase(referent, f'the {number}' if self.long or self._often(0.6) else number, many=True)
        text = self._phrase(referent, self._article(), many=False)
        if expression.part:
            text += f' {"held " if self.long else ""}by {self._pick(("its", "the"))} {expression.part}'
        return text

    def _often(self, probability: float) -> bool:
        """Draw True with ``probability``."""
        return bool(self.rng.random() < probability)

    def _pick(self, options: tuple[str, ...]) -> str:
        """Draw one of ``options``."""
        return options[self.rng.integers(len(options))]

    def _article(self) -> str:
        """Draw an article, or none."""
        if self.long:
            return self._pick(('the', 'the', 'the', 'a'))
        return self._pick(('the', 'the', ''))

    def _phrase(self, referent: Referent, lead: str, many: bool) -> str:
        """Word a referent: ``lead``, noun and restriction."""
        where = referent.where
        if isinstance(where, Rank):
            if where.number == 1:
                tail = 'in the picture' if self.long else ''
                return _join('the' if lead == 'a' else lead, EXTREMES[where.side], self._noun(referent.noun), tail)
            lead = 'the' if lead == 'a' else lead
            return _join(lead, ORDINALS[where.number], self._noun(referent.noun), f'from the {where.side}')
        if isinstance(where, Place):
            if not self.long and not many and self._often(0.3):
                return _join(lead, where.name, self._noun(referent.noun))
            places = LONG_PLACES if self.long else SHORT_PLACES
            return _join(lead, self._noun(referent.noun, many), places[where.name])
        if isinstance(where, Relation):
            directions = LONG_DIRECTIONS if self.long else SHORT_DIRECTIONS
            link = self._pick(directions[where.direction])
            anchor = _join('the' if self.long or self._often(0.8) else '', self._noun(where.anchor))
            return _join(lead, self._noun(referent.noun, many), link, anchor)
        if self.long and not many and self._often(0.5):
            return self._relative_clause(referent.noun, lead)
        return _join(lead, self._noun(referent.noun, many))

    def _noun(self, noun: Noun, many: bool = False) -> str:
        """Word a noun with its attributes."""
        shape = noun.shape or ANY_SHAPE
        shape = plural(shape) if many else shape
        if self.long and noun.pattern in PATTERN_PHRASES and self._often(0.5):
            return _join(noun.size, noun.colour, shape, PATTERN_PHRASES[noun.pattern])
        return _join(noun.size, noun.pattern, noun.colour, shape)

    def _relative_clause(self, noun: Noun, lead: str) -> str:
        """Word a noun with its attributes behind it: "the ring that is small and red"."""
        adjectives = [word for word in (noun.size, noun.pattern, noun.colour) if word]
        if not adjectives:
            return _join(lead, self._noun(noun))
        return _join(lead, noun.shape or ANY_SHAPE, 'that is', ' and '.join(adjectives))


def _join(*words: str | None) -> str:
    """Join words, without those that are empty or None."""
    return ' '.join(word for word in words if word)


def as_typed(sentence: str, rng: np.random.Generator) -> str:
    """Change a sentence as somebody could have typed it: some capitals and full stops, now and then a double space."""
    draw = rng.random(3)
    if draw[0] < 0.3:
        sentence = sentence[:1].upper() + sentence[1:]
    elif draw[0] < 0.33:
        sentence = sentence.upper()
    if draw[1] < 0.15:
        sentence += '.'
    elif draw[1] < 0.18:
        sentence += '!'
    if draw[2] < 0.04:
        sentence = sentence.replace(' ', '  ', 1)
    return sentence
