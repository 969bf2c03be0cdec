"""Reading of downloaded JSON and pickle files that may be cut off, foreign or hostile."""

import codecs
import io
import json
import pickle
from pathlib import Path
from typing import Any

from mmvg.datasets.readers.load_report import DataError
from mmvg.foreign_files import foreign_content

#: All that a refs pickle may name: the pieces of a pickled numpy scalar. The module was renamed in numpy 2.
_NUMPY_SCALAR = {
    ('numpy', 'dtype'),
    ('numpy.core.multiarray', 'scalar'),
    ('numpy._core.multiarray', 'scalar'),
}


def read_json(path: str | Path, top_level: type) -> Any:
    """Parse a JSON file whose top level is a ``top_level`` (``list`` or ``dict``).

    ``NaN`` and ``Infinity``, which Python's parser accepts, arrive as floats; who uses a number checks it.

    Raises:
        DataError: If the file is empty, foreign, cut off or of another top level; names file, size and cure.
    """
    content = _read_bytes(path)
    try:
        data = json.loads(content)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(
            f'{path} ({len(content)} bytes) is not complete JSON: {error}. The download was probably cut off: '
            'download the file again.'
        ) from error
    except RecursionError as error:
        raise DataError(f'{path} ({len(content)} bytes) is nested too deep to be an annotation file.') from error
    return _checked_top_level(data, top_level, path)


def read_pickle(path: str | Path, top_level: type) -> Any:
    """Load a pickle of plain lists, dicts, strings, numbers and numpy scalars; nothing else is ever built from it.

    Python 2 strings that are not ASCII are read as latin1.

    Raises:
        DataError: If the file is empty, foreign, cut off, names a class or function, or has another top level.
    """
    content = _read_bytes(path)
    try:
        try:
            data = _PlainUnpickler(content, path, 'ASCII').load()
        except UnicodeDecodeError:
            data = _PlainUnpickler(content, path, 'latin1').load()
    except DataError:
        raise
    except Exception as error:  # damaged opcodes end in almost any exception
        raise DataError(
            f'{path} ({len(content)} bytes) is not a complete pickle: {type(error).__name__}: {error}. '
            'The download was probably cut off or is another file: download it again.'
        ) from error
    return _checked_top_level(data, top_level, path)


class _PlainUnpickler(pickle.Unpickler):
    """An unpickler that refuses every class and function, since calling one runs code of the file's author."""

    def __init__(self, content: bytes, path: str | Path, encoding: str) -> None:
        super().__init__(io.BytesIO(content), encoding=encoding)
        self.path = path

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _NUMPY_SCALAR:
            return super().find_class(module, name)
        if (module, name) == ('_codecs', 'encode'):
            return _encode_latin1
        raise DataError(
            f'{self.path}: refused to load {module}.{name}. A refs file holds only lists, dicts, strings and numbers; '
            'a pickle that names a class or function can run code. Get the file from the authors of the dataset.'
        )


def _encode_latin1(text: str, encoding: str) -> bytes:
    """Stand-in for ``_codecs.encode``, with which Python 3 writes the bytes of a numpy scalar in protocol 2."""
    if codecs.lookup(encoding).name != 'iso8859-1':
        raise DataError(f'refused to encode as {encoding}: numpy scalars are pickled in latin1')
    return text.encode('latin1')


def _read_bytes(path: str | Path) -> bytes:
    content = Path(path).read_bytes()
    if (foreign := foreign_content(content[:256])) is not None:
        raise DataError(f'{path} ({len(content)} bytes) is {foreign}.')
    return content


def _checked_top_level(data: Any, top_level: type, path: str | Path) -> Any:
    if not isinstance(data, top_level):
        raise DataError(
            f'{path} holds a {type(data).__name__} at its top level, expected a {top_level.__name__}: '
            'is it the file of another dataset?'
        )
    return data
