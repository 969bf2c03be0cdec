"""Reading the files that tokenizers are made from."""

from pathlib import Path


def existing_file(path: str | Path, hint: str) -> Path:
    """Return ``path`` if it is a file with content.

    Raises:
        FileNotFoundError: If it is not there; ``hint`` says where it comes from.
        ValueError: If it is empty.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'{path}: no such tokenizer file (nothing is downloaded by itself); {hint}')
    if path.stat().st_size == 0:
        raise ValueError(f'{path}: the tokenizer file is empty; {hint}')
    return path


def read_vocab(path: str | Path, hint: str) -> list[str]:
    """Read a list of distinct tokens, one per line.

    Raises:
        FileNotFoundError: If the file is not there.
        ValueError: If it is not UTF-8 text, or names a token twice.
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
