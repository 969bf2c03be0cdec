"""Find which objects of a picture an expression means, and whether that is beyond doubt.

Every vague word ("left", "above", "second from the top") has a narrow and a wide reading, and an object that satisfies
only the wide one makes the answer uncertain. The generator keeps certain answers only.
"""

from dataclasses import dataclass
from itertools import pairwise

from .expressions import Conjunction, Count, Expression, Group, Noun, Place, Rank, Referent, Single
from .visible_scene import VisibleObject, VisibleScene

# Fractions of the width or height.
SIDE_NARROW, SIDE_WIDE = 0.38, 0.5  # "left": the centre lies in this part, counted from the left edge
MIDDLE_NARROW, MIDDLE_WIDE = 0.13, 0.25  # "middle": distance of the centre from the middle, in both axes
# Units of the short side of the picture.
APART = 0.12  # two objects stand in order along an axis only when their centres differ by this
SLANT = 0.8  # "left of" holds when the sideways distance is at least this multiple of the other one
NOT_APART = 0.03  # "left of" is false only for centres this far on the other side, or further


@dataclass(frozen=True)
class Meaning:
    """What an expression means.

    Args:
        targets: Indices of the objects meant, ascending.
        certain: No reading of the words gives others.
    """

    targets: tuple[int, ...]
    certain: bool


def evaluate(expression: Expression, scene: VisibleScene) -> Meaning:
    """Find what ``expression`` means in ``scene``.

    Example:
        >>> from mmvg.refshapes.expressions import Noun, Place, Referent, Single
        >>> left = VisibleObject('ring', 'red', 'small', 'plain', x=0.2, y=0.5, handle=False)
        >>> right = VisibleObject('ring', 'red', 'large', 'plain', x=1.1, y=0.5, handle=False)
        >>> expression = Single(Referent(Noun(shape='ring'), Place('left')))
        >>> evaluate(expression, VisibleScene(width=1.33, height=1.0, objects=(left, right)))
        Meaning(targets=(0,), certain=True)
    """
    if isinstance(expression, Conjunction):
        first, second = (evaluate(part, scene) for part in (expression.first, expression.second))
        distinct = not set(first.targets) & set(second.targets)
        complete = len(first.targets) == len(second.targets)
        targets = tuple(sorted({*first.targets, *second.targets}))
        return Meaning(targets, first.certain and second.certain and distinct and complete)
    narrow, wide = _resolve(expression.referent, scene)
    targets = tuple(sorted(narrow))
    certain = narrow == wide and (not targets or _fits_number(expression, len(targets)))
    if isinstance(expression, Single) and expression.part:
        certain = certain and all(scene.objects[i].handle for i in targets)
    return Meaning(targets, certain)


def _fits_number(expression: Single | Group | Count, number: int) -> bool:
    """Tell whether ``expression`` may mean ``number`` objects, 1 or more."""
    if isinstance(expression, Single):
        return number == 1
    if isinstance(expression, Count):
        return number == expression.number
    return number == 2 if expression.both else number >= 2


def matches(noun: Noun, thing: VisibleObject) -> bool:
    """Tell whether ``thing`` has every attribute that ``noun`` asks for."""
    return (
        noun.shape in (None, thing.shape)
        and noun.colour in (None, thing.colour)
        and noun.size in (None, thing.size)
        and noun.pattern in (None, thing.pattern)
    )


def _resolve(referent: Referent, scene: VisibleScene) -> tuple[set[int], set[int]]:
    """Find the objects in the narrow and in the wide reading; the first is a part of the second."""
    named = {i for i, thing in enumerate(scene.objects) if matches(referent.noun, thing)}
    where = referent.where
    if where is None:
        return named, named
    if isinstance(where, Rank):
        return _ranked(named, where, scene)
    if isinstance(where, Place):
        readings = {i: in_place(where.name, scene.objects[i], scene) for i in named}
    else:
        anchors = [i for i, thing in enumerate(scene.objects) if matches(where.anchor, thing)]
        if len(anchors) != 1:
            return set(), set(range(len(scene.objects)))
        anchor = scene.objects[anchors[0]]
        readings = {i: in_direction(where.direction, scene.objects[i], anchor) for i in named - {anchors[0]}}
    return {i for i, (narrow, _) in readings.items() if narrow}, {i for i, (_, wide) in readings.items() if wide}


def in_place(name: str, thing: VisibleObject, scene: VisibleScene) -> tuple[bool, bool]:
    """Tell whether ``thing`` is at the place called ``name``, read narrowly and widely."""
    across, down = thing.x / scene.width, thing.y / scene.height
    if name == 'middle':
        distance = max(abs(across - 0.5), abs(down - 0.5))
        return distance < MIDDLE_NARROW, distance < MIDDLE_WIDE
    from_edge = {'left': across, 'right': 1 - across, 'top': down, 'bottom': 1 - down}
    distance = max(from_edge[side] for side in name.split())
    return distance < SIDE_NARROW, distance < SIDE_WIDE


def in_direction(direction: str, thing: VisibleObject, anchor: VisibleObject) -> tuple[bool, bool]:
    """Tell whether ``thing`` lies in ``direction`` from ``anchor``, read narrowly and widely."""
    dx, dy = thing.x - anchor.x, thing.y - anchor.y
    along, across = {'left of': (-dx, dy), 'right of': (dx, dy), 'above': (-dy, dx), 'below': (dy, dx)}[direction]
    return along >= APART and along >= SLANT * abs(across), along > -NOT_APART


def _ranked(named: set[int], rank: Rank, scene: VisibleScene) -> tuple[set[int], set[int]]:
    """Find the object of a rank; in the wide reading all of ``named`` when the next ones in the order are too close."""
    sign = 1 if rank.side in ('left', 'top') else -1
    position = {
        i: sign * (scene.objects[i].x if rank.side in ('left', 'right') else scene.objects[i].y) for i in sorted(named)
    }
    order = sorted(position, key=position.get)
    if len(order) < max(rank.number, 2):
        return set(), named
    place = rank.number - 1
    gaps = [position[b] - position[a] for a, b in pairwise(order)]
    clear = all(gap >= APART for gap in gaps[max(place - 1, 0) : place + 1])
    return {order[place]}, {order[place]} if clear else named
