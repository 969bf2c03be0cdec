"""Read the files that tokenizers are made from."""

from pathlib import Path


def existing_file(path: str | Path, hint: str) -> Path:
    """Check that ``path`` is a file with content, and return it.

    Args:
        path: The file.
        hint: Where it comes from, for the error.

    Raises:
        FileNotFoundError: If it is not there.
        ValueError: If it is empty.

    Example:
        >>> existing_file('vocab.txt', 'it is written with the data set')
        Traceback (most recent call last):
            ...
        FileNotFoundError: vocab.txt: no such tokenizer file (nothing is downloaded by itself); ...
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'{path}: no such tokenizer file (nothing is downloaded by itself); {hint}')
    if path.stat().st_size == 0:
        raise ValueError(f'{path}: the tokenizer file is empty; {hint}')
    return path


def read_vocab(path: str | Path, hint: str) -> list[str]:
    """Read a list of distinct tokens, one per line.

    Args:
        path: UTF-8 text.
        hint: Where the file comes from, for the error.

    Raises:
        FileNotFoundError: If the file is not there.
        ValueError: If it is empty, is not UTF-8 text, or names a token twice.

    Example:
        >>> read_vocab('data/refshapes/vocab.txt', hint='generate RefShapes')[:5]
        ['[PAD]', '[UNK]', '[BOS]', '[EOS]', 'a']
    """
    path = existing_file(path, hint)
    try:
        lines = path.read_text(encoding='utf-8').split('\n')
    except UnicodeDecodeError as error:
        raise ValueError(f'{path}: not a UTF-8 text with one token per line ({error})') from None
    tokens = [line.rstrip('\r') for line in (lines[:-1] if lines[-1] == '' else lines)]
    first_lines = {}
    for line, token in enumerate(tokens, start=1):
        first = first_lines.setdefault(token, line)
        if first != line:
            raise ValueError(f'{path}: lines {first} and {line} are both {token!r}; every token must be there once')
    return tokens
