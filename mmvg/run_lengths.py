"""Run lengths of masks: reading their text, checking them, and unfolding them to rows of bits.

Rows of bits take an eighth of the memory of bool arrays, and are counted and compared 64 pixels at a time.
"""

from typing import Any

import numpy as np

from mmvg.foreign_files import shown
from mmvg.limits import size_problem

_CHARACTERS = bytes(range(48, 112))  # digits of a compressed text
_LAST = _CHARACTERS[:32]  # those after which no other digit of the number follows
#: Value of each digit of a compressed text, by its character: five bits, and a sign where no other digit follows.
_DIGITS = np.arange(256) - 48 & 31
_DIGITS[48:80] -= 32 * (_DIGITS[48:80] > 15)


def rle_runs(rle: dict) -> np.ndarray:
    """Read the run lengths (R,) int64 of an RLE down the columns, background first, and check them.

    Raises:
        ValueError: If ``size`` or ``counts`` is missing or of the wrong kind, a run is no whole number >= 0, the
            compressed text is damaged, or the runs do not add up to H * W.

    Example:
        >>> rle_runs(dict(size=[3, 3], counts='013000')).tolist()
        [0, 1, 3, 1, 3, 1]
    """
    missing = [key for key in ('size', 'counts') if key not in rle]
    if missing:
        raise ValueError(f'an RLE needs size and counts; {missing} missing')
    size, counts = rle['size'], rle['counts']
    if not isinstance(size, (list, tuple)) or len(size) != 2 or not all(_is_count(side) for side in size):
        raise ValueError(f'RLE size {shown(size)} is not [height, width]')
    if (problem := size_problem(*size)) is not None:
        raise ValueError(problem)
    if isinstance(counts, list):
        if not all(_is_count(run) for run in counts):
            raise ValueError('counts holds something that is not a whole number >= 0')
        if max(counts, default=0) > size[0] * size[1]:  # also so that no sum below goes beyond 64 bits
            raise ValueError(f'counts holds a run longer than the {size[0]} * {size[1]} pixels')
        runs = np.array(counts, dtype=np.int64)
    elif isinstance(counts, (str, bytes)):
        runs = _decompress(counts)
    else:
        raise ValueError(f'counts is a {type(counts).__name__}, not a list, str or bytes')
    if runs.min(initial=0) < 0:
        raise ValueError('compressed counts hold a negative run')
    height, width = size
    if runs.sum() != height * width:
        raise ValueError(f'runs sum to {runs.sum()}, not to {height} * {width} = {height * width}')
    return runs


def _decompress(counts: str | bytes) -> np.ndarray:
    """Read the text of a compressed RLE (``rleToString`` of the COCO API).

    The format: base-32 digits, low first, as characters from '0' on, bit 32 = another digit follows, the last digit's
    bit 16 = negative; from the fourth run on, the difference to the run two places before.
    """
    content = counts.encode() if isinstance(counts, str) else counts
    if not content:
        return np.zeros(0, np.int64)
    if foreign := content.translate(None, _CHARACTERS):
        raise ValueError(f'compressed counts hold the foreign character {foreign.decode(errors="replace")[0]!r}')
    characters = np.frombuffer(content, np.uint8)
    if content[-1] not in _LAST:
        raise ValueError('compressed counts end inside a number')
    ends = (characters <= _LAST[-1]).nonzero()[0]
    starts = np.zeros_like(ends)
    np.add(ends[:-1], 1, out=starts[1:])
    lengths = ends - starts
    if lengths.max() > 6:
        raise ValueError('compressed counts hold a run longer than any image')
    values = _DIGITS[characters]
    if len(ends) < len(values):
        lengths += 1
        values <<= 5 * (np.arange(len(values)) - starts.repeat(lengths))
        values = np.add.reduceat(values, starts)
    values[1::2].cumsum(out=values[1::2])
    values[2::2].cumsum(out=values[2::2])
    return values


def rows_of_runs(runs: np.ndarray, height: int, width: int) -> np.ndarray:
    """Unfold checked run lengths (R,) to rows of bits, as :func:`pack_rows` makes them.

    Example:
        >>> unpack_rows(rows_of_runs(np.array([1, 3]), 2, 2), 2).tolist()
        [[False, True], [True, True]]
    """
    rows = np.zeros((height, 8 * _words(width)), np.uint8)
    if not rows.size:
        return rows.view(np.uint64)
    turns = runs.cumsum()[:-1]  # where foreground begins or ends, counted down the columns
    turns = turns[turns < height * width]
    column = turns // height
    row = turns - height * column
    np.bitwise_xor.at(rows.reshape(-1), rows.shape[1] * row + (column >> 3), (128 >> (column & 7)).astype(np.uint8))
    rows = np.bitwise_xor.accumulate(rows.view(np.uint64), axis=0)
    if rows[-1].any():  # a run goes on at the top of the next column
        unfinished = unpack_rows(rows[-1:], width)
        begun = np.zeros_like(unfinished)
        np.logical_xor.accumulate(unfinished[:, :-1], axis=1, out=begun[:, 1:])
        rows ^= pack_rows(begun)
    return rows


def pack_rows(mask: np.ndarray) -> np.ndarray:
    """Pack a bool mask (H, W) to rows of bits (H, ceil(W / 64)) uint64, the first pixel highest in its byte.

    Example:
        >>> pack_rows(np.ones((3, 65), dtype=bool)).shape
        (3, 2)
    """
    if mask.shape[1] % 8 == 0:  # the rows need no filling
        packed = np.packbits(mask.reshape(-1)).reshape(len(mask), -1)
    else:
        packed = np.packbits(mask, axis=1)
    if packed.shape[1] % 8:
        whole = np.zeros((len(mask), 8 * _words(mask.shape[1])), np.uint8)
        whole[:, : packed.shape[1]] = packed
        packed = whole
    return packed.view(np.uint64)


def unpack_rows(rows: np.ndarray, width: int) -> np.ndarray:
    """Undo :func:`pack_rows`, (H, W) bool.

    Example:
        >>> unpack_rows(pack_rows(np.eye(2, dtype=bool)), width=2).tolist()
        [[True, False], [False, True]]
    """
    return np.unpackbits(rows.view(np.uint8), axis=1, count=width).view(bool)


def count_bits(rows: np.ndarray) -> int:
    """Count the ones among words (...) of bits.

    Example:
        >>> count_bits(pack_rows(np.eye(3, dtype=bool)))
        3
    """
    return int(np.bitwise_count(rows).sum())


def _words(width: int) -> int:
    return (width + 63) // 64


def _is_count(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= 0
