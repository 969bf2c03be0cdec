"""Look at the instructions of a pickle before any of them is followed."""

import pickletools

#: Instructions that plain lists, dicts, strings, numbers and numpy scalars are not written with: sets, objects made
#: by name, and references to things outside of the file.
_REFUSED = frozenset(
    {'INST', 'OBJ', 'NEWOBJ', 'NEWOBJ_EX', 'EXT1', 'EXT2', 'EXT4', 'PERSID', 'BINPERSID', 'EMPTY_SET', 'ADDITEMS'}
    | {'FROZENSET', 'NEXT_BUFFER', 'READONLY_BUFFER'}
)
#: By byte: how many bytes follow the instruction; a negative number tells how the length is written.
_ARGUMENTS: list[int | None] = [None] * 256
for _opcode in pickletools.opcodes:
    if _opcode.name not in _REFUSED:
        _ARGUMENTS[ord(_opcode.code)] = _opcode.arg.n if _opcode.arg else 0
_NAMES = {ord(opcode.code): opcode.name for opcode in pickletools.opcodes}
#: A negative number of ``_ARGUMENTS`` -> how many bytes tell the length.
_WIDTHS = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}
_GLOBAL, _PUT, _LONG_BINPUT, _STOP = b'cpr.'


def scan_pickle(content: bytes) -> None:
    """Check that a pickle is complete, plain, and asks for no more memory than its size explains.

    Python's unpickler makes room for a string of the announced length before it looks whether the file is as long, and
    for as many remembered values as the largest number of one: six bytes can ask for 64 GB.

    Raises:
        ValueError: If it is cut off, or holds an instruction that plain data are not written with.

    Example:
        >>> import pickle
        >>> scan_pickle(pickle.dumps([dict(ref_id=1)]))
        >>> scan_pickle(b'Nr' + (2**28).to_bytes(4, 'little') + b'.')
        Traceback (most recent call last):
            ...
        ValueError: it remembers value 268435456, more than 7 bytes can hold
    """
    position, end, arguments = 0, len(content), _ARGUMENTS
    while position < end:
        code = content[position]
        length = arguments[code]
        position += 1
        if length is None:
            what = f'the instruction {_NAMES[code]}' if code in _NAMES else f'the byte {code:#04x}'
            raise ValueError(f'{what} at byte {position - 1} has no place in plain data')
        if length >= 0:
            if code == _LONG_BINPUT:
                _check_memo(int.from_bytes(content[position : position + 4], 'little'), end)
            position += length
            if code == _STOP:
                return
        elif length == pickletools.UP_TO_NEWLINE:
            start = position
            position = content.index(b'\n', position) + 1
            if code == _PUT:
                _check_memo(int(content[start:position]), end)
            elif code == _GLOBAL:
                position = content.index(b'\n', position) + 1
        else:
            width = _WIDTHS[length]
            position += width + int.from_bytes(content[position : position + width], 'little')
    raise ValueError(f'it ends inside an instruction, {position - end} bytes early')


def _check_memo(number: int, size: int) -> None:
    if not 0 <= number < size:
        raise ValueError(f'it remembers value {number}, more than {size} bytes can hold')
