"""Meaning of expressions: which objects of a picture they name, and whether that is beyond doubt.

Every vague word ("left", "above", "second from the top") has a narrow and a wide reading, and an object that satisfies
only the wide one makes the answer uncertain. The generator keeps certain answers only.
"""

from dataclasses import dataclass
from itertools import pairwise

from .expressions import Conjunction, Count, Expression, Group, Noun, Place, Rank, Referent, Single
from .view import SeenObject, View

# Fractions of the width or height.
SIDE_NARROW, SIDE_WIDE = 0.38, 0.5  # "left": the centre lies in this part, counted from the left edge
MIDDLE_NARROW, MIDDLE_WIDE = 0.13, 0.25  # "middle": distance of the centre from the middle, in both axes
# Units of the short side of the picture.
APART = 0.12  # two objects stand in order along an axis only when their centres differ by this
SLANT = 0.8  # "left of" holds when the sideways distance is at least this multiple of the other one
NOT_APART = 0.03  # "left of" is false only for centres this far on the other side, or further


@dataclass(frozen=True)
class Answer:
    """Indices of the objects meant, ascending, and whether no reading of the words gives others."""

    targets: tuple[int, ...]
    certain: bool


def evaluate(expression: Expression, view: View) -> Answer:
    """Find what ``expression`` means in ``view``."""
    if isinstance(expression, Conjunction):
        first, second = (evaluate(part, view) for part in (expression.first, expression.second))
        distinct = not set(first.targets) & set(second.targets)
        complete = len(first.targets) == len(second.targets)
        targets = tuple(sorted({*first.targets, *second.targets}))
        return Answer(targets, first.certain and second.certain and distinct and complete)
    narrow, wide = _resolve(expression.referent, view)
    targets = tuple(sorted(narrow))
    certain = narrow == wide and (not targets or _fits_number(expression, len(targets)))
    if isinstance(expression, Single) and expression.part:
        certain = certain and all(view.objects[i].handle for i in targets)
    return Answer(targets, certain)


def _fits_number(expression: Single | Group | Count, number: int) -> bool:
    if isinstance(expression, Single):
        return number == 1
    if isinstance(expression, Count):
        return number == expression.number
    return number == 2 if expression.both else number >= 2


def matches(noun: Noun, thing: SeenObject) -> bool:
    """Whether ``thing`` has every attribute that ``noun`` asks for."""
    return (
        noun.shape in (None, thing.shape)
        and noun.colour in (None, thing.colour)
        and noun.size in (None, thing.size)
        and noun.pattern in (None, thing.pattern)
    )


def _resolve(referent: Referent, view: View) -> tuple[set[int], set[int]]:
    """Objects in the narrow and in the wide reading; the first is a part of the second."""
    named = {i for i, thing in enumerate(view.objects) if matches(referent.noun, thing)}
    where = referent.where
    if where is None:
        return named, named
    if isinstance(where, Rank):
        return _ranked(named, where, view)
    if isinstance(where, Place):
        readings = {i: in_place(where.name, view.objects[i], view) for i in named}
    else:
        anchors = [i for i, thing in enumerate(view.objects) if matches(where.anchor, thing)]
        if len(anchors) != 1:
            return set(), set(range(len(view.objects)))
        anchor = view.objects[anchors[0]]
        readings = {i: in_direction(where.direction, view.objects[i], anchor) for i in named - {anchors[0]}}
    return {i for i, (narrow, _) in readings.items() if narrow}, {i for i, (_, wide) in readings.items() if wide}


def in_place(name: str, thing: SeenObject, view: View) -> tuple[bool, bool]:
    """Whether ``thing`` is at a place, read narrowly and widely."""
    across, down = thing.x / view.width, thing.y / view.height
    if name == 'middle':
        distance = max(abs(across - 0.5), abs(down - 0.5))
        return distance < MIDDLE_NARROW, distance < MIDDLE_WIDE
    from_edge = {'left': across, 'right': 1 - across, 'top': down, 'bottom': 1 - down}
    distance = max(from_edge[side] for side in name.split())
    return distance < SIDE_NARROW, distance < SIDE_WIDE


def in_direction(direction: str, thing: SeenObject, anchor: SeenObject) -> tuple[bool, bool]:
    """Whether ``thing`` lies in a direction from ``anchor``, read narrowly and widely."""
    dx, dy = thing.x - anchor.x, thing.y - anchor.y
    along, across = {'left of': (-dx, dy), 'right of': (dx, dy), 'above': (-dy, dx), 'below': (dy, dx)}[direction]
    return along >= APART and along >= SLANT * abs(across), along > -NOT_APART


def _ranked(named: set[int], rank: Rank, view: View) -> tuple[set[int], set[int]]:
    """The object of a rank; all of them in the wide reading when its neighbours in the order are too close."""
    sign = 1 if rank.side in ('left', 'top') else -1
    position = {
        i: sign * (view.objects[i].x if rank.side in ('left', 'right') else view.objects[i].y) for i in sorted(named)
    }
    order = sorted(position, key=position.get)
    if len(order) < max(rank.number, 2):
        return set(), named
    place = rank.number - 1
    gaps = [position[b] - position[a] for a, b in pairwise(order)]
    clear = all(gap >= APART for gap in gaps[max(place - 1, 0) : place + 1])
    return {order[place]}, {order[place]} if clear else named
