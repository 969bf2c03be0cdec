"""Reading of downloaded JSON, pickle and array files that may be cut off, foreign or hostile."""

import io
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from mmvg.datasets.readers.load_report import DataError
from mmvg.datasets.readers.pickle_scan import scan_pickle
from mmvg.foreign_files import foreign_content, read_whole, shown
from mmvg.limits import limit, variable_of

_CONTAINERS = frozenset({list, dict, tuple})


def read_json(path: str | Path, top_level: type) -> Any:
    """Parse a JSON file whose top level is a ``top_level`` (``list`` or ``dict``).

    ``NaN`` and ``Infinity``, which Python's parser accepts, arrive as floats; who uses a number checks it.

    Raises:
        DataError: If the file is empty, foreign, cut off, nested too deep or of another top level, or a number in it
            is absurd; names file, size and cure.
    """
    content = read_data_file(path)
    try:
        data = parse_json(content)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(
            f'{path} ({len(content)} bytes) is not complete JSON: {error}. The download was probably cut off: '
            'download the file again.'
        ) from error
    except ValueError as error:
        raise DataError(f'{path} ({len(content)} bytes) {error}: it is damaged or no annotation file.') from error
    return _checked_top_level(data, top_level, path)


def parse_json(text: str | bytes, unique_keys: bool = False) -> Any:
    """Parse JSON that may be hostile.

    Args:
        text: What to parse.
        unique_keys: Whether an object that names a key twice is an error; otherwise the last one counts.

    Raises:
        json.JSONDecodeError: If it is no JSON.
        UnicodeDecodeError: If it is no text.
        ValueError: If it is nested too deep, holds a whole number of too many digits, or names a key twice; to stand
            behind the name of the file.
    """
    try:
        data = json.loads(text, parse_int=_whole_number, object_pairs_hook=_unique if unique_keys else None)
    except RecursionError as error:
        raise ValueError(_TOO_DEEP.format(limit('nesting'))) from error
    check_nesting(data, values=None)
    return data


def _whole_number(text: str) -> int:
    if len(text) > 19 and len(text) > limit('digits'):
        raise ValueError(f'holds a whole number of {len(text)} digits ({variable_of("digits")} raises the limit)')
    return int(text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f'names a key twice; the keys are {shown([key for key, _ in pairs])}')
    return found


_TOO_DEEP = f'is nested too deep, beyond {{}} levels ({variable_of("nesting")} raises the limit)'


def check_nesting(data: Any, values: int | None) -> None:
    """Check that nested lists, dicts and tuples are a tree of bounded depth and size.

    A pickle may hold one list in many places: a few bytes then unfold to more values than there are atoms, for whoever
    walks, compares or prints them.

    Args:
        data: Anything.
        values: How many values there may be when everything that is shared is counted once for each place; None for any
            number.

    Raises:
        ValueError: If there is more; to stand behind the name of the file.
    """
    level, count, depth = [data], 1, limit('nesting')
    for _ in range(depth):
        inner = []
        for container in level:
            if container.__class__ in _CONTAINERS:
                if values is not None and (count := count + len(container)) > values:
                    raise ValueError('unfolds to more values than its size can hold')
                members = container.values() if container.__class__ is dict else container
                inner += [value for value in members if value.__class__ in _CONTAINERS]
        if not inner:
            return
        level = inner
    raise ValueError(_TOO_DEEP.format(depth))


def read_pickle(path: str | Path, top_level: type) -> Any:
    """Load a pickle of plain lists, dicts, strings, numbers and numpy scalars; nothing else is ever built from it.

    Its instructions are looked at first (:func:`scan_pickle`), and what it unfolds to afterwards. Python 2 strings that
    are not ASCII are read as latin1.

    Raises:
        DataError: If the file is empty, foreign, cut off, names a class or function, asks for more memory than plain
            data of its size, or has another top level.
    """
    content = read_data_file(path)
    try:
        scan_pickle(content)
        try:
            data = _PlainUnpickler(content, path, 'ASCII').load()
        except UnicodeDecodeError:
            data = _PlainUnpickler(content, path, 'latin1').load()
        check_nesting(data, values=4 * len(content) + 1000)
    except DataError:
        raise
    except Exception as error:  # damaged opcodes end in almost any exception
        raise DataError(
            f'{path} ({len(content)} bytes) is not a complete pickle: {type(error).__name__}: {error}. '
            'The download was probably cut off or is another file: download it again.'
        ) from error
    return _checked_top_level(data, top_level, path)


class _PlainUnpickler(pickle.Unpickler):
    """An unpickler that refuses every class and function, since calling one runs code of the file's author.

    What a numpy scalar needs is stood in for: methods of this object, which a pickle can call but not change.
    """

    def __init__(self, content: bytes, path: str | Path, encoding: str) -> None:
        super().__init__(io.BytesIO(content), encoding=encoding)
        self.path = path

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ('numpy', 'dtype'):
            return self._dtype
        if module in ('numpy.core.multiarray', 'numpy._core.multiarray') and name == 'scalar':  # renamed in numpy 2
            return self._scalar
        if (module, name) == ('_codecs', 'encode'):
            return self._encode
        raise DataError(
            f'{self.path}: refused to load {module}.{name}. A refs file holds only lists, dicts, strings and numbers; '
            'a pickle that names a class or function can run code. Get the file from the authors of the dataset.'
        )

    def _dtype(self, kind: str, *_: Any) -> '_NumberType':
        return _NumberType(kind)

    def _scalar(self, kind: '_NumberType', content: bytes | str) -> np.generic:
        content = content.encode('latin1') if isinstance(content, str) else content  # as Python 2 wrote it
        (value,) = np.frombuffer(content, kind.dtype)
        return value

    def _encode(self, text: str, encoding: str) -> bytes:
        """Stand in for ``_codecs.encode``, with which Python 3 writes the bytes of a numpy scalar in protocol 2."""
        if encoding not in ('latin1', 'latin-1', 'iso8859-1'):
            raise DataError(f'{self.path}: refused to encode as {encoding}: numpy scalars are pickled in latin1')
        return text.encode('latin1')


class _NumberType:
    """A numpy type of numbers as a pickle describes it: a letter, a width, and then the order of bytes."""

    __slots__ = ('dtype',)

    def __init__(self, kind: str) -> None:
        if kind not in ('b1', *(f'{letter}{width}' for letter in 'iuf' for width in (1, 2, 4, 8)[letter == 'f' :])):
            raise ValueError(f'{kind!r} is no type of plain numbers')
        self.dtype = np.dtype(kind)

    def __setstate__(self, state: tuple) -> None:
        order = state[1]
        if order not in ('<', '>', '|', '='):
            raise ValueError(f'{order!r} is no order of bytes')
        self.dtype = self.dtype.newbyteorder(order)


def read_array(path: str | Path) -> np.ndarray:
    """Read a ``.npy`` file of numbers.

    Raises:
        DataError: If it is another file, damaged, larger than the limit, or holds objects.
    """
    content = read_data_file(path)
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = header(stream)
        if dtype.kind not in 'biuf' or len(shape) > 8 or any(side < 0 for side in shape):
            raise ValueError(f'it holds {dtype} of shape {shown(shape)}')
        if dtype.itemsize * int(np.prod(shape, dtype=object)) != len(content) - stream.tell():
            raise ValueError(f'it is not as long as {dtype} of shape {shown(shape)}: it was cut off')
        stream.seek(0)
        return np.lib.format.read_array(stream, allow_pickle=False)
    except Exception as error:  # a damaged header ends in almost any exception
        raise DataError(f'{path} cannot be loaded as an array: {error}. Download the file again.') from error


def read_data_file(path: str | Path, archives: bool = True) -> bytes:
    """Read a file as it is.

    Args:
        path: The file.
        archives: Whether an archive in its place is refused.

    Raises:
        DataError: If it is no file, too large, empty, or recognised as something else.
    """
    try:
        content = read_whole(path)
    except ValueError as error:
        raise DataError(f'{error}.') from error
    if (foreign := foreign_content(content[:512], archives)) is not None:
        raise DataError(f'{path} ({len(content)} bytes) is {foreign}.')
    return content


def _checked_top_level(data: Any, top_level: type, path: str | Path) -> Any:
    if not isinstance(data, top_level):
        raise DataError(
            f'{path} holds a {type(data).__name__} at its top level, expected a {top_level.__name__}: '
            'is it the file of another dataset?'
        )
    return data
