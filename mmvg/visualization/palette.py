"""Colours that people with every kind of colour vision can tell apart (Okabe and Ito, 2008), as RGB."""

ORANGE = (230, 159, 0)
SKY_BLUE = (86, 180, 233)
GREEN = (0, 158, 115)
YELLOW = (240, 228, 66)
BLUE = (0, 114, 178)
VERMILLION = (213, 94, 0)
PURPLE = (204, 121, 167)

#: One colour per instance, in this order, then again from the first.
INSTANCES = (ORANGE, SKY_BLUE, GREEN, PURPLE, YELLOW, BLUE, VERMILLION)

BLACK = (0, 0, 0)
WHITE = (255, 255, 255)
DARK = (60, 60, 60)
LIGHT = (235, 235, 235)


def instance_color(index: int) -> tuple[int, int, int]:
    """Colour of the instance with this index."""
    return INSTANCES[index % len(INSTANCES)]


def readable_on(color: tuple[int, int, int]) -> tuple[int, int, int]:
    """Black or white, whichever is easier to read on ``color`` (Rec. 601 luma)."""
    return BLACK if 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2] > 140 else WHITE
