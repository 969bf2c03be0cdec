"""Files that appear under their name only when they are whole, and on the disk; folders that one process writes to."""

import hashlib
import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: Ending of what is not yet whole; before it stands the process that writes, so that two never share a file.
UNFINISHED = '.part'
#: File that a process holds as long as it writes into a folder.
LOCK = '.lock'


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Write a file under another name, and rename it when everything is on the disk.

    Whoever dies on the way, or finds the disk full, leaves what was there before. A link stays a link: the file that it
    names is replaced. What is no regular file, as ``/dev/stdout``, is written directly.

    Args:
        path: The file; its folder is made.

    Yields:
        Where to write: a file beside ``path``, which is gone at the end.

    Example:
        >>> with whole_file('out/scores.json') as unfinished:
        ...     _ = unfinished.write_text('{}')
        >>> Path('out/scores.json').read_text(), len(os.listdir('out'))
        ('{}', 1)
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        yield path
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f'{path.name}.{os.getpid()}{UNFINISHED}')
    try:
        unfinished.touch()
        mode = (path if path.exists() else unfinished).stat().st_mode
        yield unfinished
        unfinished.chmod(mode)  # safetensors, for one, lets nobody else read what it writes
        _flush(unfinished)
        unfinished.replace(path)
        with suppress(OSError):  # file systems that cannot flush a folder rename at once
            _flush(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: str | Path) -> Iterator[Path]:
    """Write a folder of files under another name, and rename it when everything is on the disk.

    Whoever dies on the way, or finds the disk full, leaves what was there before; what was there is removed at the end.

    Args:
        path: The folder.

    Yields:
        Where to write: an empty folder beside ``path``, which is gone at the end.

    Example:
        >>> with whole_folder('packs/tars') as unfinished:
        ...     _ = (unfinished / 'a.tar').write_text('')
        >>> os.listdir('packs'), os.listdir('packs/tars')
        (['tars'], ['a.tar'])
    """
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished, before = (path.with_name(f'{path.name}.{os.getpid()}{end}{UNFINISHED}') for end in ('', '.old'))
    shutil.rmtree(unfinished, ignore_errors=True)  # of a killed process that had the same number
    unfinished.mkdir()
    try:
        yield unfinished
        for file in unfinished.iterdir():
            _flush(file)
        if path.exists():
            shutil.rmtree(before, ignore_errors=True)
            path.replace(before)
        unfinished.replace(path)
        shutil.rmtree(before, ignore_errors=True)
        with suppress(OSError):  # file systems that cannot flush a folder rename at once
            _flush(path.parent)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def write_whole(path: str | Path, text: str) -> None:
    """Write ``text`` (UTF-8) by :func:`whole_file`.

    Example:
        >>> write_whole('notes.txt', 'done')
        >>> Path('notes.txt').read_text()
        'done'
    """
    with whole_file(path) as unfinished:
        unfinished.write_text(text, encoding='utf-8')


def remove_unfinished(folder: str | Path, pattern: str = '*') -> list[Path]:
    """Remove what killed processes left in ``folder``, and return it; nobody may be writing there.

    Args:
        folder: Searched without the folders below it.
        pattern: Which names to look for, without the ending.

    Example:
        >>> Path('iter_8.pth.4711.part').touch()
        >>> remove_unfinished('.', '*.pth')
        [PosixPath('iter_8.pth.4711.part')]
    """
    found = sorted(Path(folder).glob(f'{pattern}.*{UNFINISHED}'))
    for path in found:
        path.unlink(missing_ok=True)
    return found


def sha256_of(path: str | Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal.

    Example:
        >>> Path('empty').touch()
        >>> sha256_of('empty')[:16]
        'e3b0c44298fc1c14'
    """
    digest = hashlib.sha256()
    with Path(path).open('rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


class FolderInUseError(OSError):
    """Another process writes into a folder.

    Args:
        folder: Which.
        holder: The process, as it says itself.
    """

    def __init__(self, folder: Path, holder: str) -> None:
        super().__init__(f'{folder}: {holder} writes there; take another folder, or wait for its end')
        self.holder = holder


@contextmanager
def sole_writer(folder: str | Path) -> Iterator[None]:
    """Hold a folder, which is made; the kernel gives it back even when the process is killed.

    Where the file system has no locks, nothing is held.

    Raises:
        FolderInUseError: If another process holds it.

    Example:
        >>> with sole_writer('labels'):
        ...     print(os.listdir('labels'))
        ['.lock']
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open('a+', encoding='utf-8') as file:
        try:
            # of this process alone: workers, which are forks, hold nothing; with flock, and so filelock, they would
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise FolderInUseError(folder, file.read().strip() or 'another process') from None
        except OSError:  # a file system without locks
            pass
        else:
            file.truncate(0)
            file.write(f'process {os.getpid()} on {socket.gethostname()}, since {time.strftime("%Y-%m-%d %H:%M")},\n')
            file.flush()
        yield


def _flush(path: Path) -> None:
    """Return when the content of a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
