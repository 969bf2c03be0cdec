"""Abstract syntax of the expressions, without their wording."""

from dataclasses import dataclass

SIDES = ('left', 'right', 'top', 'bottom')
CORNERS = ('top left', 'top right', 'bottom left', 'bottom right')
PLACES = (*SIDES, 'middle', *CORNERS)
DIRECTIONS = ('left of', 'right of', 'above', 'below')
KINDS = ('attribute', 'place', 'relation', 'ordinal', 'count', 'group', 'conjunction', 'part', 'no_target')


@dataclass(frozen=True)
class Noun:
    """Attributes an object must have; None means any."""

    shape: str | None = None
    colour: str | None = None
    size: str | None = None
    pattern: str | None = None


@dataclass(frozen=True)
class Place:
    """Restriction to one of the ``PLACES`` of the picture."""

    name: str


@dataclass(frozen=True)
class Relation:
    """Restriction to one of the ``DIRECTIONS``, seen from the one object that ``anchor`` names."""

    direction: str
    anchor: Noun


@dataclass(frozen=True)
class Rank:
    """Restriction to the ``number``-th one (1 is the first) counted from one of the ``SIDES``."""

    number: int
    side: str


@dataclass(frozen=True)
class Referent:
    """Objects described by a noun and at most one restriction."""

    noun: Noun
    where: Place | Relation | Rank | None = None


@dataclass(frozen=True)
class Single:
    """Exactly one object: "the red ring on the left"; with ``part``, "the hammer by its handle"."""

    referent: Referent
    part: str | None = None


@dataclass(frozen=True)
class Group:
    """Everything that fits, two objects or more: "all squares"; exactly two when ``both``."""

    referent: Referent
    both: bool = False


@dataclass(frozen=True)
class Count:
    """Everything that fits, with its number: "the two red rings"."""

    referent: Referent
    number: int


@dataclass(frozen=True)
class Conjunction:
    """Two single objects: "the red star and the blue ring"."""

    first: Single
    second: Single


Expression = Single | Group | Count | Conjunction


def kind_of(expression: Expression) -> str:
    """Return the kind of an expression that has a target, one of ``KINDS``.

    Example:
        >>> kind_of(Single(Referent(Noun(shape='ring'), Place('left'))))
        'place'
    """
    if isinstance(expression, Conjunction):
        return 'conjunction'
    if isinstance(expression, Group):
        return 'group'
    if isinstance(expression, Count):
        return 'count'
    if expression.part:
        return 'part'
    where = expression.referent.where
    if isinstance(where, Relation):
        return 'relation'
    if isinstance(where, Rank):
        return 'place' if where.number == 1 else 'ordinal'
    return 'place' if isinstance(where, Place) else 'attribute'
