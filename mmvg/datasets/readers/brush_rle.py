"""The masks of Label Studio's brush: a stream of bits, in which runs of equal bytes are packed.

32 bits say how many bytes there are, 5 bits the size of a byte (less 1), four times 4 bits the sizes of run lengths
(less 1). Then follow blocks: 1 bit, whether it is a run; 2 bits, which of the four sizes its length has; the length
(less 1); and the byte of the run, or else so many bytes. The bytes are the RGBA values of the picture, row by row; a
pixel belongs to the mask if its last value, alpha, is not 0.
"""

from collections.abc import Sequence

import numpy as np

#: The sizes of run lengths that Label Studio's own writer uses, in bits.
_SIZES = (3, 4, 8, 16)


def decode_brush(values: Sequence[int], height: int, width: int) -> np.ndarray:
    """Read a mask (H, W) bool.

    Args:
        values: ``value.rle`` of a result: the bytes of the stream, 0 to 255.
        height: Of the picture, in pixels.
        width: Of the same.

    Raises:
        ValueError: If the stream is damaged, or belongs to a picture of another size.

    Example:
        >>> mask = np.eye(3, 4, dtype=bool)
        >>> bool((decode_brush(encode_brush(mask), 3, 4) == mask).all())
        True
    """
    stream = _Bits(values)
    length, word = stream.read(32), stream.read(5) + 1
    sizes = [stream.read(4) + 1 for _ in range(4)]
    if length != 4 * height * width:
        raise ValueError(f'it holds {length} values, not the {4 * height * width} of a picture of {width} x {height}')
    if word != 8:
        raise ValueError(f'its values have {word} bits, not 8')
    bytes_ = np.empty(length, dtype=np.uint8)
    done = 0
    while done < length:
        is_run = stream.read(1)
        end = done + stream.read(sizes[stream.read(2)]) + 1
        if end > length:
            raise ValueError('it has more values than it says')
        if is_run:
            bytes_[done:end] = stream.read(8)
        else:
            bytes_[done:end] = [stream.read(8) for _ in range(end - done)]
        done = end
    return bytes_.reshape(height, width, 4)[..., 3] > 0


def encode_brush(mask: np.ndarray) -> list[int]:
    """Write a mask (H, W) bool as Label Studio reads it; see :func:`decode_brush`."""
    values = np.repeat(np.asarray(mask, dtype=bool).reshape(-1), 4)
    starts = np.flatnonzero(np.diff(values, prepend=~values[:1] if values.size else False))
    parts = [f'{values.size:032b}', f'{7:05b}', *(f'{size - 1:04b}' for size in _SIZES)]
    for start, end in zip(starts, [*starts[1:], values.size], strict=True):
        left = int(end - start)
        while left:
            run = min(left, 1 << _SIZES[-1])
            index = next(i for i, size in enumerate(_SIZES) if run <= 1 << size)
            parts.append(f'1{index:02b}{run - 1:0{_SIZES[index]}b}{255 * int(values[start]):08b}')
            left -= run
    bits = ''.join(parts)
    bits += '0' * (-len(bits) % 8)
    return [int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)]


class _Bits:
    """Reads whole numbers from a stream of bits, the highest bit first."""

    def __init__(self, values: Sequence[int]) -> None:
        if not isinstance(values, list) or not all(isinstance(v, int) and 0 <= v < 256 for v in values):
            raise ValueError('it is not a list of bytes')
        self.bits = ''.join(f'{value:08b}' for value in values)
        self.position = 0

    def read(self, size: int) -> int:
        end = self.position + size
        if end > len(self.bits):
            raise ValueError('it is cut off')
        number = int(self.bits[self.position : end], 2)
        self.position = end
        return number
