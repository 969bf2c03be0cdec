"""Checks of arguments, with messages that name the choices and the nearest one."""

import difflib
from collections.abc import Collection, Iterable
from typing import TypeVar

T = TypeVar('T')


def check_choice(name: str, value: T, choices: Collection[T]) -> T:
    """Return ``value`` if it is one of ``choices``.

    Args:
        name: What the message calls the setting, for example ``'CLIPResNet.pooling'``.
        value: What the user gave.
        choices: What is allowed, in the order in which the message lists it.

    Returns:
        ``value`` itself.

    Raises:
        ValueError: If ``value`` is none of ``choices``; lists them and the nearest one.

    Example:
        >>> check_choice('crowd', 'drop', ('drop', 'keep'))
        'drop'
        >>> check_choice('crowd', 'dropp', ('drop', 'keep'))
        Traceback (most recent call last):
        ValueError: crowd must be 'drop' or 'keep', not 'dropp'; did you mean 'drop'?
    """
    if value in choices:
        return value
    *others, last = map(repr, choices)
    listed = f'{", ".join(others)} or {last}' if others else last
    near = suggest(value, (choice for choice in choices if isinstance(choice, str))) if isinstance(value, str) else ''
    raise ValueError(f'{name} must be {listed}, not {value!r}{near}')


def suggest(name: str, known: Iterable[str]) -> str:
    """Suggest up to three of ``known`` that are spelt almost like ``name``.

    Returns:
        ``"; did you mean 'x' or 'y'?"``, or an empty string if nothing is near.

    Example:
        >>> suggest('drop_last', ['drop_lst', 'shuffle'])
        "; did you mean 'drop_lst'?"
    """
    near = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.6)
    return f'; did you mean {" or ".join(map(repr, near))}?' if near else ''
