"""Clean expressions as the code bases of the field do."""

from mmvg.checks import check_choice

_INSTANCEVG_TABLE = str.maketrans({**dict.fromkeys('.,\'!?"()*#:;'), '-': ' ', '/': ' '})

_READERS = {
    'raw': lambda text: text,
    'sent': lambda text: text.strip().lower(),
    'cris': lambda text: text.strip(),
    # blanks are neither stripped nor collapsed
    'instancevg': lambda text: text.lower().translate(_INSTANCEVG_TABLE),
}
#: Ways to clean an expression, see :class:`mmvg.datasets.transforms.CleanText`.
READERS = tuple(_READERS)


def clean_expression(text: str, reader: str) -> str:
    """Clean an expression.

    Args:
        text: As written.
        reader: One of ``READERS``.

    Example:
        >>> clean_expression("The man's T-shirt!", 'instancevg')
        'the mans t shirt'
    """
    check_choice('reader', reader, READERS)
    return _READERS[reader](text)
