"""Data classes for what can be seen in a picture: the attributes and visible boxes that expressions refer to."""

from dataclasses import dataclass


@dataclass(frozen=True)
class VisibleObject:
    """An object as it is seen.

    Args:
        shape, colour, size, pattern: Its attributes.
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
class VisibleScene:
    """Objects of one picture.

    Args:
        width: Of the picture, in units of its short side.
        height: The same.
        objects: In the order of the scene.
    """

    width: float
    height: float
    objects: tuple[VisibleObject, ...]
