"""Sample expressions of a wanted kind that are true of a picture.

A candidate is built around objects that fit and is then judged by the evaluator; what is uncertain is thrown away. So
every sampled expression means exactly its targets.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from .attributes import EXTENTS, PATTERNS
from .evaluator import Meaning, evaluate, in_direction, in_place, matches
from .expressions import (
    DIRECTIONS,
    PLACES,
    SIDES,
    Conjunction,
    Count,
    Expression,
    Group,
    Noun,
    Place,
    Rank,
    Referent,
    Relation,
    Single,
)
from .layout import choose
from .shapes import SHAPES
from .visible_scene import VisibleObject, VisibleScene
from .wording import NUMBERS, ORDINALS

# how often a noun names these attributes, among those that fit
NOUN_WEIGHTS = {
    ('shape',): 2.0,
    ('colour', 'shape'): 6.0,
    ('colour',): 0.8,
    ('size', 'shape'): 1.0,
    ('pattern', 'shape'): 1.0,
    ('size', 'colour', 'shape'): 1.5,
    ('pattern', 'colour', 'shape'): 1.5,
    ('size', 'pattern', 'shape'): 0.2,
    ('size', 'pattern', 'colour', 'shape'): 0.4,
}

GROUP_NOUN_WEIGHTS = {**NOUN_WEIGHTS, ('shape',): 5.0, ('colour',): 2.0}

# forms of expressions without a target, as frequent as among those with one, so that the form gives nothing away
NO_TARGET_FORMS = {
    'attribute': 0.55,
    'place': 0.12,
    'relation': 0.04,
    'ordinal': 0.02,
    'count': 0.06,
    'group': 0.1,
    'conjunction': 0.07,
    'part': 0.04,
}
_HANDLED = frozenset(name for name, shape in SHAPES.items() if shape.handle)


class ExpressionSampler:
    """Sample expressions about one picture.

    Args:
        scene: What is seen.
        rng: Source of every choice.
        excluded: Pairs of colour and shape that are never named, not even as something that is missing.
        no_target_forms: Kind whose form an expression without a target takes -> weight.
        shapes: What objects may be called.
        handled: Those of them that have a handle.

    Example:
        >>> left = VisibleObject('ring', 'red', 'small', 'plain', x=0.2, y=0.5, handle=False)
        >>> right = VisibleObject('ring', 'blue', 'large', 'plain', x=1.1, y=0.5, handle=False)
        >>> sampler = ExpressionSampler(VisibleScene(1.33, 1.0, (left, right)), np.random.default_rng(0))
        >>> expression, answer = sampler.sample('place', target=1)
        >>> answer
        Meaning(targets=(1,), certain=True)
    """

    def __init__(
        self,
        scene: VisibleScene,
        rng: np.random.Generator,
        excluded: Collection[tuple[str, str]] = (),
        no_target_forms: Mapping[str, float] = NO_TARGET_FORMS,
        shapes: Sequence[str] = tuple(SHAPES),
        handled: Collection[str] = _HANDLED,
    ) -> None:
        self.scene, self.rng, self.excluded, self.no_target_forms = scene, rng, excluded, no_target_forms
        self.shapes, self.handled = shapes, handled
        self._nouns: dict[int, list[tuple[tuple[str, ...], Noun, int]]] = {}

    def sample(self, kind: str, target: int | None = None, tries: int = 6) -> tuple[Expression, Meaning] | None:
        """Draw an expression of a kind and its answer, or None if none was found.

        Args:
            kind: One of ``KINDS``.
            target: The object to be named, for kinds with a single target; any by default.
            tries: Number of candidates to judge.
        """
        for _ in range(tries):
            wanted = int(self.rng.integers(len(self.scene.objects))) if target is None else target
            expression = getattr(self, f'_{kind}')(wanted)
            if expression is None:
                continue
            answer = evaluate(expression, self.scene)
            if not answer.certain or bool(answer.targets) == (kind == 'no_target'):
                continue
            if target is None or answer.targets == (target,):
                return expression, answer
        return None

    # one method per kind: each returns a likely expression about the object of that index, or None

    def _attribute(self, index: int) -> Expression | None:
        noun = self._noun_for(index, alone=True)
        return noun and Single(Referent(noun))

    def _place(self, index: int) -> Expression | None:
        noun = self._noun_for(index)
        if self.rng.random() < 0.4:
            return Single(Referent(noun, Rank(1, self._pick(SIDES))))
        places = [name for name in PLACES if in_place(name, self.scene.objects[index], self.scene)[0]]
        return Single(Referent(noun, Place(self._pick(places)))) if places else None

    def _relation(self, index: int) -> Expression | None:
        anchors = [i for i in range(len(self.scene.objects)) if i != index]
        if not anchors:
            return None
        anchor = self._pick(anchors)
        seen = self.scene.objects
        directions = [d for d in DIRECTIONS if in_direction(d, seen[index], seen[anchor])[0]]
        noun, anchor_noun = self._noun_for(index), self._noun_for(anchor, alone=True, plain=True)
        if not directions or anchor_noun is None or matches(anchor_noun, seen[index]):
            return None
        return Single(Referent(noun, Relation(self._pick(directions), anchor_noun)))

    def _ordinal(self, index: int) -> Expression | None:
        noun = self._noun_for(index)
        number = len(self._named(noun))
        if number < 3:
            return None
        rank = self._pick([n for n in ORDINALS if n < number] or [2])
        return Single(Referent(noun, Rank(rank, self._pick(SIDES))))

    def _count(self, index: int) -> Expression | None:
        referent = self._group_referent(index)
        number = len(evaluate(Group(referent), self.scene).targets)
        return Count(referent, number) if number in NUMBERS else None

    def _group(self, index: int) -> Expression | None:
        referent = self._group_referent(index)
        both = len(evaluate(Group(referent), self.scene).targets) == 2 and self.rng.random() < 0.5
        return Group(referent, both)

    def _conjunction(self, index: int) -> Expression | None:
        other = int(self.rng.integers(len(self.scene.objects)))
        first, second = (self._noun_for(i, alone=True, plain=True) for i in (index, other))
        if other == index or first is None or second is None:
            return None
        return Conjunction(Single(Referent(first)), Single(Referent(second)))

    def _part(self, index: int) -> Expression | None:
        if not self.scene.objects[index].handle:
            return None
        noun = self._noun_for(index, alone=True)
        return Single(Referent(noun), part='handle') if noun and noun.shape else None

    def _no_target(self, index: int) -> Expression | None:
        """Build a near miss, in one of the forms that expressions with a target have."""
        draw = self.rng.random()
        if draw < 0.1 and 'place' in self.no_target_forms:
            return self._wrong_place(index)
        if 0.1 <= draw < 0.16 and 'relation' in self.no_target_forms:
            return self._wrong_direction(index)
        form = choose(self.rng, self.no_target_forms)
        noun = self._missing_noun()
        if noun is None:
            return None
        if form == 'attribute':
            return Single(Referent(noun))
        if form == 'place':
            rank_or_place = Rank(1, self._pick(SIDES)) if self.rng.random() < 0.4 else Place(self._pick(PLACES))
            return Single(Referent(noun, rank_or_place))
        if form == 'ordinal':
            return Single(Referent(noun, Rank(2, self._pick(SIDES))))
        if form == 'group':
            return Group(Referent(noun), both=bool(self.rng.random() < 0.3))
        if form == 'count':
            return Count(Referent(noun), int(self._pick((2, 2, 3))))
        if form == 'conjunction':
            other = self._missing_noun()
            if other in (None, noun):
                return None
            return Conjunction(Single(Referent(noun)), Single(Referent(other)))
        if form == 'part':
            return Single(Referent(noun), part='handle') if noun.shape in self.handled else None
        anchor = self._noun_for(index, alone=True, plain=True)
        return anchor and Single(Referent(noun, Relation(self._pick(DIRECTIONS), anchor)))

    # nouns

    def _pick(self, options):
        """Draw one of ``options``."""
        return options[int(self.rng.integers(len(options)))]

    def _named(self, noun: Noun) -> list[int]:
        """List the objects that ``noun`` fits."""
        return [i for i, thing in enumerate(self.scene.objects) if matches(noun, thing)]

    def _described(self, index: int) -> list[tuple[tuple[str, ...], Noun, int]]:
        """List all nouns that fit an object: the attributes named, the noun, and the number of objects it fits."""
        if index not in self._nouns:
            nouns = [(keys, _describe(self.scene.objects[index], keys)) for keys in NOUN_WEIGHTS]
            self._nouns[index] = [(keys, noun, len(self._named(noun))) for keys, noun in nouns]
        return self._nouns[index]

    def _noun_for(self, index: int, alone: bool = False, plain: bool = False) -> Noun | None:
        """Draw a noun that fits an object, and only that object if ``alone``; ``plain`` prefers few words."""
        weights = {
            noun: NOUN_WEIGHTS[keys] * (0.15 if plain and len(keys) > 2 else 1.0)
            for keys, noun, number in self._described(index)
            if number == 1 or not alone
        }
        return choose(self.rng, weights) if weights else None

    def _group_referent(self, index: int) -> Referent:
        """Draw a noun shared with other objects, now and then with a place."""
        weights = {noun: GROUP_NOUN_WEIGHTS[keys] for keys, noun, number in self._described(index) if number > 1}
        if not weights:
            return Referent(self._noun_for(index))
        noun = choose(self.rng, weights)
        if len(self._named(noun)) > 2 and self.rng.random() < 0.3:
            return Referent(noun, Place(self._pick(PLACES[:4])))
        return Referent(noun)

    def _missing_noun(self) -> Noun | None:
        """Draw a noun that fits nothing: mostly a colour and a shape that are both present, but not on one object."""
        seen = self.scene.objects
        draw = self.rng.random()
        if draw < 0.7:
            pairs = [
                Noun(shape, colour)
                for shape in sorted({thing.shape for thing in seen})
                for colour in sorted({thing.colour for thing in seen})
                if (colour, shape) not in self.excluded
            ]
            missing = [noun for noun in pairs if not self._named(noun)]
            if not missing:
                return None
            noun = self._pick(missing)
            extra = self.rng.random()
            if extra < 0.1:
                return Noun(noun.shape, noun.colour, size=self._pick(tuple(EXTENTS)))
            if extra < 0.2:
                return Noun(noun.shape, noun.colour, pattern=self._pick(tuple(PATTERNS)))
            return noun
        thing = seen[int(self.rng.integers(len(seen)))]
        colour = thing.colour if self.rng.random() < 0.6 else None
        if draw < 0.8:
            wrong = {'small': 'large', 'large': 'small'}[thing.size]
            noun = Noun(thing.shape, colour, size=wrong)
        elif draw < 0.9:
            wrong = self._pick([pattern for pattern in PATTERNS if pattern != thing.pattern])
            noun = Noun(thing.shape, colour, pattern=wrong)
        else:
            noun = Noun(self._pick(self.shapes), colour)
            if (noun.colour, noun.shape) in self.excluded:
                return None
        return None if self._named(noun) else noun

    def _wrong_place(self, index: int) -> Expression | None:
        """Name an object with a place where it is not."""
        places = [name for name in PLACES if not in_place(name, self.scene.objects[index], self.scene)[1]]
        return Single(Referent(self._noun_for(index), Place(self._pick(places)))) if places else None

    def _wrong_direction(self, index: int) -> Expression | None:
        """Name an object with the opposite of its direction from another one."""
        relation = self._relation(index)
        if relation is None:
            return None
        where = relation.referent.where
        opposite = dict(zip(DIRECTIONS, ('right of', 'left of', 'below', 'above'), strict=True))[where.direction]
        return Single(Referent(relation.referent.noun, Relation(opposite, where.anchor)))


def _describe(thing: VisibleObject, keys: Collection[str]) -> Noun:
    """Make the noun that names the attributes ``keys`` of ``thing``."""
    return Noun(**{key: getattr(thing, key) for key in keys})
