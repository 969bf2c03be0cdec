"""What a reader of the picture can know: the attributes and visible boxes that expressions are judged by."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SeenObject:
    """An object as it is seen.

    Args:
        x, y: Centre of its visible box in units of the short side of the picture.
        handle: Whether a handle can be seen.
    """

    shape: str
    colour: str
    size: str
    pattern: str
    x: float
    y: float
    handle: bool


@dataclass(frozen=True)
class View:
    """The objects of one picture; ``width`` and ``height`` in units of its short side."""

    width: float
    height: float
    objects: tuple[SeenObject, ...]
