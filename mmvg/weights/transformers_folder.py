"""Find the weights in a directory as transformers writes it."""

from pathlib import Path

_NAMES = ('model.safetensors', 'pytorch_model.bin')


def weights_in(path: Path, model: str) -> Path:
    """Return ``path``, or the weights in it if it is a directory.

    Args:
        path: File or directory.
        model: Named in the error.

    Raises:
        FileNotFoundError: If it is a directory without weights.

    Example:
        >>> Path('bert').mkdir()
        >>> Path('bert/pytorch_model.bin').touch()
        >>> print(weights_in(Path('bert'), 'BERT'))
        bert/pytorch_model.bin
    """
    if not path.is_dir():
        return path
    for name in _NAMES:
        if (path / name).is_file():
            return path / name
    raise FileNotFoundError(f'{path}: has neither {_NAMES[0]} nor {_NAMES[1]}; put the weights of {model} there')
