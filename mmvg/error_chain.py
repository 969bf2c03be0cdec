"""The errors behind an error."""

from collections.abc import Iterator


def error_chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and those that it was raised from or while handling, the newest first.

    Example:
        >>> error = ValueError('not a number')
        >>> error.__cause__ = KeyError('size')
        >>> list(error_chain(error))
        [ValueError('not a number'), KeyError('size')]
    """
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
