"""How large and how deep what is read from a foreign file may be, before anybody walks through it."""

from collections.abc import Iterable
from typing import Any

#: Levels of dicts and lists in each other; the deepest config that comes with mmvg has 12.
MAX_DEPTH = 64
#: Entries, counted as often as they are referred to; the largest config that comes with mmvg has some thousands.
MAX_ENTRIES = 1_000_000


class NestingError(ValueError):
    """Something read from a file is nested too deeply, in itself, or unfolds to too many entries."""


def check_nesting(value: Any, max_depth: int = MAX_DEPTH, max_entries: int = MAX_ENTRIES) -> None:
    """Check that dicts, lists, tuples and sets can be walked through, in a time that grows with what is in memory.

    A list that holds another one twice, which again holds another one twice, is small in memory and endless to whoever
    walks through it; its entries count as often as a walk would meet them. Everything else is a leaf.

    Args:
        value: As a reader made it.
        max_depth: Levels allowed.
        max_entries: Entries allowed.

    Raises:
        NestingError: If there is more, or a container holds itself.

    Example:
        >>> laughs = ['ha']
        >>> for _ in range(30):
        ...     laughs = [laughs, laughs]
        >>> check_nesting(laughs)
        Traceback (most recent call last):
            ...
        mmvg.config.limits.NestingError: it unfolds to more than 1,000,000 entries
    """
    facts: dict[int, tuple[int, int] | None] = {}  # id -> entries and depth below; None while it is being walked
    stack: list[tuple[Any, bool]] = [(value, False)]
    while stack:
        current, walked = stack.pop()
        if walked:
            below = [facts[id(child)] for child in _containers(current)]
            facts[id(current)] = entries, depth = (
                _length(current) + sum(fact[0] for fact in below),
                1 + max((fact[1] for fact in below), default=0),
            )
            if entries > max_entries:
                raise NestingError(f'it unfolds to more than {max_entries:,} entries')
            if depth > max_depth:
                raise NestingError(f'it is nested more than {max_depth} levels deep')
        elif id(current) not in facts:
            facts[id(current)] = None
            stack.append((current, True))
            stack += [(child, False) for child in _containers(current)]
        elif facts[id(current)] is None:
            raise NestingError('a list or dict in it holds itself')


def _containers(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return [part for pair in dict.items(value) for part in pair if isinstance(part, _CONTAINERS)]
    if isinstance(value, (list, tuple, set, frozenset)):
        return [part for part in value if isinstance(part, _CONTAINERS)]
    return []


_CONTAINERS = (dict, list, tuple, set, frozenset)


def _length(value: Any) -> int:
    return len(value) if isinstance(value, _CONTAINERS) else 1
