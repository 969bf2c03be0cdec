"""Draw phrases like PhraseCut's: attributes, a name and relations, which mean every object that fits."""

from dataclasses import dataclass

import numpy as np

from .evaluator import evaluate, in_direction
from .expressions import DIRECTIONS, Group, Noun, Referent, Relation, Single
from .layout import choose
from .records import SceneRecord, visible_scene
from .wording import PATTERN_PHRASES

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
    """A phrase by its parts, as ``phrase_structure`` lists them.

    Args:
        name: The shape.
        attributes: Adjectives, or "with stripes" and the like.
        relations: Pairs of a direction and a shape.
        targets: Indices of the objects that it means, one or more.
    """

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
    """Draw different phrases, each of which means at least one object beyond doubt.

    Args:
        record: The picture.
        rng: Source of every choice.
        number: At most so many.

    Example:
        >>> from mmvg.refshapes import SIZES, make_record
        >>> record, _ = make_record(SIZES['tiny'], seed=0, split='train', index=0, styles=[])
        >>> [phrase.text for phrase in draw_phrases(record, np.random.default_rng(0), 3)]
        ['dotted mug', 'small mug', 'dotted star right of disc']
    """
    visible = visible_scene(record)
    found: dict[str, Phrase] = {}
    for _ in range(4 * number):
        if len(found) == number:
            break
        thing = visible.objects[int(rng.integers(len(visible.objects)))]
        noun = Noun(thing.shape, **{key: getattr(thing, key) for key in choose(rng, _ATTRIBUTES)})
        where = None
        if rng.random() < _RELATED:
            anchor = visible.objects[int(rng.integers(len(visible.objects)))]
            directions = [d for d in DIRECTIONS if in_direction(d, thing, anchor)[0]]
            if not directions or anchor.shape == thing.shape:
                continue
            where = Relation(directions[int(rng.integers(len(directions)))], Noun(anchor.shape))
        referent = Referent(noun, where)
        targets = evaluate(Group(referent), visible).targets
        expression = Single(referent) if len(targets) == 1 else Group(referent)
        if targets and evaluate(expression, visible).certain:
            phrase = _worded(noun, where, targets, rng)
            found.setdefault(phrase.text, phrase)
    return list(found.values())


def _worded(noun: Noun, where: Relation | None, targets: tuple[int, ...], rng: np.random.Generator) -> Phrase:
    """Word a noun and its relation."""
    pattern = noun.pattern
    if pattern in PATTERN_PHRASES and rng.random() < 0.3:
        pattern = PATTERN_PHRASES[pattern]
    attributes = tuple(word for word in (noun.size, pattern, noun.colour) if word)
    relations = ((where.direction, where.anchor.shape),) if where else ()
    return Phrase(noun.shape, attributes, relations, targets)
