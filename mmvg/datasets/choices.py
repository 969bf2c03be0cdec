"""Checks of constructor arguments."""

from collections.abc import Sequence


def check_choice(name: str, value: str, choices: Sequence[str]) -> str:
    """``value`` if it is one of ``choices``.

    Raises:
        ValueError: If it is not; lists the choices.
    """
    if value not in choices:
        raise ValueError(f'{name} is {" or ".join(map(repr, choices))}, got {value!r}')
    return value
