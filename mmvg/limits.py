"""How much a file from elsewhere may ask for: one place for all limits, and one way to raise them.

A limit stops a file of a few bytes from taking all memory, and stands far above what real data need. To raise one, set
the environment variable of its name, such as ``MMVG_MAX_IMAGE_PIXELS=1000000000``, before the program starts.
"""

import os

#: Name of a limit -> its value, unless the environment has another one.
LIMITS = {
    'image_pixels': 178_956_970,  # of one picture or mask; Pillow's own bound
    'image_side': 65_535,  # pixels; what a JPEG can have
    'file_bytes': 4 * 2**30,  # of one file of annotations, answers or labels, which is read as a whole
    'nesting': 64,  # lists in lists in a file
    'digits': 30,  # of a whole number
    'outline': 4_000_000,  # pixels that the outline of one polygon runs along
}


def limit(name: str) -> int:
    """Return a limit of ``LIMITS``, or what the environment variable ``MMVG_MAX_<NAME>`` says.

    Raises:
        ValueError: If the variable is not a whole number above 0.

    Example:
        >>> limit('image_side')
        65535
    """
    variable = variable_of(name)
    text = os.environ.get(variable)
    if text is None:
        return LIMITS[name]
    if not text.isdecimal() or int(text) == 0:
        raise ValueError(f'the environment variable {variable} is {text!r}, not a whole number above 0')
    return int(text)


def variable_of(name: str) -> str:
    """Return the environment variable that sets a limit.

    Example:
        >>> variable_of('image_pixels')
        'MMVG_MAX_IMAGE_PIXELS'
    """
    return f'MMVG_MAX_{name.upper()}'


def size_problem(height: int, width: int) -> str | None:
    """Say why a picture or mask of this size is too large to handle, or None.

    Example:
        >>> size_problem(480, 640)
        >>> size_problem(10**9, 10**9)
        '1000000000 x 1000000000 pixels, beyond the limit of 65535 a side (MMVG_MAX_IMAGE_SIDE raises it)'
    """
    for name, value, what in (('image_side', max(height, width), 'a side'), ('image_pixels', height * width, 'in all')):
        if value > limit(name):
            allowed = f'{limit(name)} {what} ({variable_of(name)} raises it)'
            return f'{width} x {height} pixels, beyond the limit of {allowed}'
    return None
