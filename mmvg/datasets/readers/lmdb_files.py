"""LMDB files: written whole, read by any number of processes."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from mmvg.datasets.readers.load_report import DataError
from mmvg.foreign_files import special_file
from mmvg.whole_files import whole_file

_RECORDS_PER_COMMIT = 1000


def write_lmdb(out: Path, records: Iterable[tuple[str, bytes]], content: int, count: int) -> None:
    """Write records; the file appears when it is complete.

    Args:
        out: The file.
        records: Keys, of up to 511 bytes, and values.
        content: Bytes of all values.
        count: How many records there are.

    Raises:
        ImportError: If the package ``lmdb`` is not installed.
    """
    lmdb = import_lmdb()
    room = 2 * content + 8192 * count + 2**24  # an upper bound: the file grows as it is written
    with (
        whole_file(out) as unfinished,
        lmdb.open(str(unfinished), map_size=room, subdir=False, lock=False) as environment,
    ):
        transaction = environment.begin(write=True)
        for number, (key, value) in enumerate(records, 1):
            transaction.put(key.encode(), value)
            if number % _RECORDS_PER_COMMIT == 0:
                transaction.commit()
                transaction = environment.begin(write=True)
        transaction.commit()
    _OPENED.pop(str(out.resolve()), None)  # what this process may have open is the file before


def read_lmdb(path: Path, keys: Sequence[str]) -> list[bytes]:
    """Read values.

    Raises:
        DataError: If the file is damaged, or one of them is not in it.
    """
    if (kind := special_file(path)) is not None:
        raise DataError(f'{path} is {kind}, not a file')
    lmdb = import_lmdb()
    try:
        with opened_lmdb(str(path.resolve())).begin() as transaction:
            values = [transaction.get(key.encode()) for key in keys]
    except lmdb.Error as error:
        raise DataError(f'{path} is not a whole LMDB file: {error}; make it with `mmvg data pack`') from error
    if None in values:
        raise DataError(
            f'{path} has no {keys[values.index(None)]!r}; it was made by another program or is cut off: pack it again'
        )
    return values


def lmdb_keys(path: Path) -> list[str]:
    """Read all keys, in their order.

    Raises:
        DataError: If the file is damaged, or a key is no text.
    """
    lmdb = import_lmdb()
    try:
        with opened_lmdb(str(path.resolve())).begin() as transaction:
            return [bytes(key).decode() for key in transaction.cursor().iternext(values=False)]
    except (lmdb.Error, UnicodeDecodeError) as error:
        raise DataError(f'{path} is not a whole LMDB file: {error}; make it with `mmvg data pack`') from error


#: What is open in this process, by path: LMDB allows to open a file once, and not to use it after a fork.
_OPENED: dict = {}


def opened_lmdb(path: str):
    """Open a file, or return what is open.

    Raises:
        DataError: If it was cut off.
    """
    if path not in _OPENED:
        opened = import_lmdb().open(path, subdir=False, readonly=True, lock=False, readahead=False, meminit=False)
        size, pages = os.path.getsize(path), opened.info()['last_pgno'] + 1
        if pages * opened.stat()['psize'] > size:  # reading a page that is not there would kill the process
            opened.close()
            raise DataError(f'{path} has {size} bytes, fewer than its {pages} pages: it was cut off; pack it again')
        _OPENED[path] = opened
    return _OPENED[path]


def _close_all() -> None:
    while _OPENED:
        _OPENED.popitem()[1].close()


os.register_at_fork(before=_close_all)  # so that workers, and this process too, open what they need again


def import_lmdb():
    """Import the package.

    Raises:
        ImportError: Says what to install.
    """
    try:
        import lmdb
    except ImportError as error:
        raise ImportError('packed data needs the package lmdb: pip install lmdb') from error
    return lmdb
