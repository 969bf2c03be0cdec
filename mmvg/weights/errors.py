"""Error about a file of weights."""


class CheckpointError(ValueError):
    """Raised when a file is no checkpoint, not a safe one, or not one of this model.

    Example:
        >>> raise CheckpointError('lavt.pth: the file is cut off')
        Traceback (most recent call last):
            ...
        mmvg.weights.errors.CheckpointError: lavt.pth: the file is cut off
    """
