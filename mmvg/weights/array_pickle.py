"""Read pickles of NumPy arrays, as detectron2 keeps weights in ``.pkl`` files; nothing that they name is called."""

import math
import pickle
import pickletools
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmvg.config.limits import check_nesting
from mmvg.weights.errors import CheckpointError

#: Instructions by which a pickle numbers what it remembers; Python makes room for as many.
_REMEMBERING = ('PUT', 'BINPUT', 'LONG_BINPUT')
#: Entries of all dicts and lists.
MAX_ENTRIES = 100_000


def read_array_pickle(path: str | Path) -> dict:
    """Read nested dicts, lists, strings and numbers, with arrays as tensors.

    Args:
        path: A file that is there.

    Raises:
        CheckpointError: If it is cut off, names anything but arrays, or has another top level than a dict.

    Example:
        >>> weights = dict(weight=np.ones((2, 3), np.float32))
        >>> _ = Path('d2.pkl').write_bytes(pickle.dumps(dict(model=weights, __author__='somebody')))
        >>> read_array_pickle('d2.pkl')['model']['weight'].shape
        torch.Size([2, 3])
    """
    path = Path(path)
    try:
        _scan(path)
        with path.open('rb') as file:
            content = _tensors(_ArrayUnpickler(file, encoding='latin1').load())
        check_nesting(content, max_entries=MAX_ENTRIES)
    except Exception as error:  # damaged instructions end in almost any exception
        raise CheckpointError(f'{path}: cannot be read safely as a pickle of arrays: {error}') from error
    if not isinstance(content, dict):
        raise CheckpointError(f'{path}: holds a {type(content).__name__} instead of a dict of weights')
    return content


def _scan(path: Path) -> None:
    """Check that the instructions of a pickle are complete, and ask for no more room than there are of them.

    Raises:
        ValueError: If they are not.
    """
    with path.open('rb') as file:
        for count, (instruction, argument, _) in enumerate(pickletools.genops(file)):
            if instruction.name in _REMEMBERING and argument > count:
                raise ValueError(f'it remembers value {argument} after {count} instructions')


class _ArrayUnpickler(pickle.Unpickler):
    """An unpickler with stand-ins for what arrays need: methods of this object, which a pickle cannot change."""

    def find_class(self, module: str, name: str) -> Any:
        full = f'{module.replace("numpy._core", "numpy.core")}.{name}'
        stand_ins = {
            'numpy.core.multiarray._reconstruct': self._array,
            'numpy.core.multiarray.scalar': self._scalar,
            'numpy.core.numeric._frombuffer': self._from_buffer,
            'numpy.ndarray': 'ndarray',  # named, and never called
            'numpy.dtype': self._type,
            'collections.OrderedDict': self._dict,
            '_codecs.encode': self._encode,
        }
        if full not in stand_ins:
            raise pickle.UnpicklingError(f'it names {module}.{name}, which could run any code')
        return stand_ins[full]

    def _array(self, *_: Any) -> '_Array':
        return _Array()

    def _scalar(self, kind: '_Type', content: bytes | str) -> Any:
        content = content.encode('latin1') if isinstance(content, str) else content
        return np.frombuffer(content, kind.dtype)[0].item()

    def _from_buffer(self, content: bytes, kind: '_Type', shape: tuple, order: str) -> '_Array':
        array = _Array()
        array.fill(shape, kind, order == 'F', bytes(content))
        return array

    def _type(self, letters: str, *_: Any) -> '_Type':
        return _Type(letters)

    def _dict(self) -> dict:
        return {}

    def _encode(self, text: str, encoding: str) -> bytes:
        if encoding != 'latin1':
            raise pickle.UnpicklingError(f'it encodes as {encoding}, which arrays are not')
        return text.encode('latin1')


class _Type:
    """A type of numbers as a pickle describes it: a letter and a width, and then the order of bytes."""

    __slots__ = ('dtype',)

    def __init__(self, letters: str) -> None:
        if len(letters) != 2 or letters[0] not in 'biuf' or letters[1] not in '1248':
            raise ValueError(f'{letters!r:.20} is no type of plain numbers')
        self.dtype = np.dtype(letters)

    def __setstate__(self, state: tuple) -> None:
        self.dtype = self.dtype.newbyteorder({'<': '<', '>': '>', '|': '|', '=': '='}[state[1]])


class _Array:
    """An array as a pickle describes it: empty, and then filled."""

    __slots__ = ('value',)

    def __setstate__(self, state: tuple) -> None:
        _, shape, kind, by_columns, content = state
        self.fill(shape, kind, by_columns, content.encode('latin1') if isinstance(content, str) else content)

    def fill(self, shape: tuple, kind: _Type, by_columns: bool, content: bytes) -> None:
        """Take the numbers of ``content`` in the order in which it has them."""
        if len(content) != math.prod(shape) * kind.dtype.itemsize:
            raise ValueError(f'an array of shape {tuple(shape)[:8]} is not as long as its {len(content)} bytes')
        order = 'F' if by_columns else 'C'
        self.value = np.frombuffer(content, kind.dtype).reshape(shape, order=order)


def _tensors(value: Any, depth: int = 2) -> Any:
    """Turn the arrays of a dict, and of the dicts in it, into tensors."""
    if isinstance(value, _Array):
        return torch.from_numpy(value.value.astype(value.value.dtype.newbyteorder('='), order='C'))
    if isinstance(value, dict) and depth:
        return {key: _tensors(each, depth - 1) for key, each in value.items()}
    return value
