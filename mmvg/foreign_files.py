"""Files from elsewhere: what is often found in place of one, and names that must not be opened."""

import os
import stat
from pathlib import Path, PurePosixPath, PureWindowsPath
from reprlib import Repr
from typing import Any

from mmvg.limits import limit, variable_of

_STARTS = (
    (b'<', 'a web page (HTML or XML), such as a log-in or error page: download the file again'),
    (b'version https://git-lfs', 'a Git LFS pointer: `git lfs pull` fetches the file itself'),
)
_ARCHIVE_STARTS = (
    (b'PK\x03\x04', 'a zip archive: unpack it first'),
    (b'\x1f\x8b', 'a gzip archive: unpack it first'),
    (b'BZh', 'a bzip2 archive: unpack it first'),
    (b'\xfd7zXZ\x00', 'an xz archive: unpack it first'),
    (b'7z\xbc\xaf\x27\x1c', 'a 7z archive: unpack it first'),
    (b'\x28\xb5\x2f\xfd', 'a zstandard archive: unpack it first'),
    (b'Rar!', 'a rar archive: unpack it first'),
)
#: Shortens what a file holds for messages, which must not be as large or as deep as a hostile file.
_SHOWN = Repr()
_SHOWN.maxlevel, _SHOWN.maxlist, _SHOWN.maxtuple, _SHOWN.maxdict = 4, 12, 12, 12
_SHOWN.maxstring = _SHOWN.maxother = _SHOWN.maxlong = 120


def foreign_content(start: bytes, archives: bool = True) -> str | None:
    """Recognise a file that cannot be what its name says.

    Args:
        start: The first bytes of the file, 64 or more unless it is shorter.
        archives: Whether an archive is foreign too; it is not where the format itself is one.

    Returns:
        What the file is and what to do, to stand behind "the file is"; None if nothing is recognised.

    Example:
        >>> foreign_content(b'version https://git-lfs.github.com/spec/v1')
        'a Git LFS pointer: `git lfs pull` fetches the file itself'
    """
    if archives and start[257:262] == b'ustar':
        return 'a tar archive: unpack it first'
    start = start.lstrip()
    if not start:
        return 'empty: download the file again'
    if start.startswith(b'<') and b'<svg' in start and b'<html' not in start.lower():
        return 'an SVG drawing, which has no pixels: export it as PNG'
    is_text = 0 not in start[:8]  # a safetensors file begins with its length, which may begin with any byte
    known = (_STARTS if is_text else ()) + (_ARCHIVE_STARTS if archives else ())
    return next((meaning for beginning, meaning in known if start.startswith(beginning)), None)


def special_file(path: str | Path) -> str | None:
    """Recognise a path that must not be opened, since it is no file with an end: a pipe, a device, a folder.

    Returns:
        What it is; None for a file, and for what is not there.

    Example:
        >>> special_file('/dev/zero')
        'a device'
        >>> special_file('README.md')
    """
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):  # not there, or no name that a file can have
        return None
    kinds = {stat.S_IFREG: None, stat.S_IFDIR: 'a folder', stat.S_IFIFO: 'a pipe', stat.S_IFSOCK: 'a socket'}
    return kinds.get(stat.S_IFMT(mode), 'a device')


def read_whole(path: str | Path) -> bytes:
    """Read a file that is processed as a whole.

    Raises:
        OSError: If it is not there or cannot be read.
        ValueError: If it is no file, or larger than the limit.

    Example:
        >>> read_whole('/dev/zero')
        Traceback (most recent call last):
            ...
        ValueError: /dev/zero is a device, not a file
    """
    if (kind := special_file(path)) is not None:
        raise ValueError(f'{path} is {kind}, not a file')
    size, most = os.stat(path).st_size, limit('file_bytes')
    if size > most:
        raise ValueError(f'{path} has {size} bytes, more than {most} ({variable_of("file_bytes")} raises the limit)')
    return Path(path).read_bytes()


def name_problem(name: str, outside: bool = False) -> str | None:
    """Say why a name in a data file cannot, or must not, lead to a file below a folder.

    Args:
        name: A path as the data file has it.
        outside: Whether it may leave the folder, as an absolute path or with ``..``.

    Returns:
        What is wrong; None if the name may be used.

    Example:
        >>> name_problem('train/0.png')
        >>> name_problem('../../secret.png')
        'leads out of the folder'
        >>> name_problem('../elsewhere/0.png', outside=True)
    """
    if not name or not name.strip():
        return 'is empty'
    if '\0' in name:
        return 'holds the character NUL'
    if not name.isprintable() and any(ord(character) < 32 or ord(character) == 127 for character in name):
        return 'holds a control character'
    try:
        encoded = os.fsencode(name)
    except UnicodeEncodeError:
        return 'holds half of a character'
    parts = PurePosixPath(name).parts
    if len(encoded) > 4000 or any(len(os.fsencode(part)) > 255 for part in parts):
        return 'is longer than the name of a file can be'
    windows = PureWindowsPath(name)
    if not outside and (name.startswith('/') or windows.drive or windows.root or '..' in (*parts, *windows.parts)):
        return 'leads out of the folder'
    return None


def shown(value: Any) -> str:
    """Return a ``repr`` that is short, whatever a file holds.

    Example:
        >>> shown([70, 50, 30, 40])
        '[70, 50, 30, 40]'
        >>> len(shown('a' * 10**6)) < 200
        True
    """
    try:
        return _SHOWN.repr(value)
    except Exception:  # a whole number beyond what Python prints, or an object that cannot be shown
        return f'a {type(value).__name__}'
