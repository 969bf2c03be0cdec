"""Phrases in the manner of PhraseCut: attributes, a name and relations, which mean every object that fits."""

from dataclasses import dataclass

import numpy as np

from .english import PATTERN_PHRASES
from .evaluator import evaluate, in_direction
from .expressions import DIRECTIONS, Group, Noun, Referent, Relation, Single
from .layout import choose
from .records import SceneRecord, view_of

# how often a phrase names these attributes beside the shape
_ATTRIBUTES = {
    (): 0.3,
    ('colour',): 0.35,
    ('size',): 0.08,
    ('pattern',): 0.1,
    ('size', 'colour'): 0.09,
    ('pattern', 'colour'): 0.08,
}
_RELATED = 0.45  # share of the tries with a relation, of which many are not certain


@dataclass(frozen=True)
class Phrase:
    """A phrase and its parts, as ``phrase_structure`` lists them, and the objects that it means, one or more."""

    name: str
    attributes: tuple[str, ...]
    relations: tuple[tuple[str, str], ...]
    targets: tuple[int, ...]

    @property
    def text(self) -> str:
        """Attributes, name, attributes of several words, relations."""
        before = [attribute for attribute in self.attributes if ' ' not in attribute]
        after = [attribute for attribute in self.attributes if ' ' in attribute]
        return ' '.join([*before, self.name, *after, *(word for relation in self.relations for word in relation)])

    @property
    def type(self) -> str:
        """One of name, attribute, relation and verbose (attributes and relations)."""
        if self.relations:
            return 'verbose' if self.attributes else 'relation'
        return 'attribute' if self.attributes else 'name'


def draw_phrases(record: SceneRecord, rng: np.random.Generator, number: int) -> list[Phrase]:
    """Up to ``number`` different phrases, each of which means at least one object beyond doubt."""
    view = view_of(record)
    found: dict[str, Phrase] = {}
    for _ in range(4 * number):
        if len(found) == number:
            break
        thing = view.objects[int(rng.integers(len(view.objects)))]
        noun = Noun(thing.shape, **{key: getattr(thing, key) for key in choose(rng, _ATTRIBUTES)})
        where = None
        if rng.random() < _RELATED:
            anchor = view.objects[int(rng.integers(len(view.objects)))]
            directions = [d for d in DIRECTIONS if in_direction(d, thing, anchor)[0]]
            if not directions or anchor.shape == thing.shape:
                continue
            where = Relation(directions[int(rng.integers(len(directions)))], Noun(anchor.shape))
        referent = Referent(noun, where)
        targets = evaluate(Group(referent), view).targets
        expression = Single(referent) if len(targets) == 1 else Group(referent)
        if targets and evaluate(expression, view).certain:
            phrase = _worded(noun, where, targets, rng)
            found.setdefault(phrase.text, phrase)
    return list(found.values())


def _worded(noun: Noun, where: Relation | None, targets: tuple[int, ...], rng: np.random.Generator) -> Phrase:
    pattern = noun.pattern
    if pattern in PATTERN_PHRASES and rng.random() < 0.3:
        pattern = PATTERN_PHRASES[pattern]
    attributes = tuple(word for word in (noun.size, pattern, noun.colour) if word)
    relations = ((where.direction, where.anchor.shape),) if where else ()
    return Phrase(noun.shape, attributes, relations, targets)
