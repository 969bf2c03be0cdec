"""The pictures of a data set in one LMDB file or in tars, for file systems that are slow at many small files.

Both hold the files as they are, by their path below the data root. A folder of tars is one of the WebDataset format,
with an index beside the tars, so that any picture can be read at once, in any order:

    pictures-000000.tar, pictures-000001.tar, ...
    index.json     version, how many pictures, and the tars with their sizes in bytes
    names.npy      (N,) paths, sorted
    places.npy     (N, 3) tar, first byte and length of each
"""

import json
import os
import tarfile
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from mmvg.checks import check_choice
from mmvg.datasets.readers.lmdb_files import lmdb_keys, read_lmdb, write_lmdb
from mmvg.datasets.readers.load_report import DataError
from mmvg.datasets.readers.pack_targets import check_pack_target
from mmvg.datasets.readers.safe_reading import parse_json, read_json
from mmvg.whole_files import whole_folder

#: Of the layouts; a reader refuses another one.
LAYOUT_VERSION = 1
PACKS = ('lmdb', 'webdataset')
_META, _INDEX, _NAMES, _PLACES = '__meta__', 'index.json', 'names.npy', 'places.npy'
_MAX_KEY = 511  # bytes, of LMDB


def pack_pictures(
    out: Path, root: Path, names: Sequence[str], to: str, force: bool = False, tar_bytes: int = 2**29
) -> int:
    """Pack picture files.

    Args:
        out: The LMDB file, or the folder of tars; it appears when it is complete.
        root: The data root.
        names: Paths of the pictures below it, with ``/``.
        to: ``'lmdb'`` or ``'webdataset'``.
        force: Replace ``out``, which must be such a pack.
        tar_bytes: A tar takes no picture more when it has so many bytes.

    Returns:
        How many pictures there are.

    Raises:
        FileExistsError: If ``out`` is there and ``force`` is not set, or is no pack.
        DataError: If a picture is missing, or there is none.
        ImportError: If the package ``lmdb`` is needed and not installed.

    Example:
        >>> folder = Path('data/refshapes/images/train2014')
        >>> names = [f'images/train2014/{file.name}' for file in sorted(folder.iterdir())[:3]]
        >>> pack_pictures(Path('out/pictures'), Path('data/refshapes'), names, 'webdataset')
        3
        >>> PackedPictures(Path('out/pictures')).read(names[1]) == Path(f'data/refshapes/{names[1]}').read_bytes()
        True
    """
    check_choice('--to', to, PACKS)
    check_pack_target(out, to == 'webdataset', force)
    names = sorted(set(names))
    missing = [name for name in names if not (root / name).is_file()]
    if missing or not names:
        what = f'{len(missing)} of {len(names)} pictures are missing, such as {root / missing[0]}' if missing else (
            f'{root}: there are no pictures to pack'
        )  # fmt: skip
        raise DataError(what)
    if to == 'lmdb':
        _write_lmdb(out, root, names)
    else:
        with whole_folder(out) as unfinished:
            _write_tars(unfinished, root, names, tar_bytes)
    return len(names)


def _write_lmdb(out: Path, root: Path, names: Sequence[str]) -> None:
    long = next((name for name in names if len(_key(name).encode()) > _MAX_KEY), None)
    if long is not None:
        raise DataError(
            f'{long[:80]}...: the path has more than {_MAX_KEY} bytes, which LMDB takes; use --to webdataset'
        )
    meta = json.dumps(dict(version=LAYOUT_VERSION, kind='pictures', pictures=len(names))).encode()

    def records() -> Iterator[tuple[str, bytes]]:
        for name in names:
            yield _key(name), (root / name).read_bytes()
        yield _META, meta

    write_lmdb(out, records(), sum((root / name).stat().st_size for name in names), len(names) + 1)


def _write_tars(folder: Path, root: Path, names: Sequence[str], tar_bytes: int) -> None:
    tars, places, rest = [], [], list(reversed(names))
    while rest:
        file = folder / f'pictures-{len(tars):06d}.tar'
        with tarfile.open(file, 'w', format=tarfile.PAX_FORMAT) as tar:
            while rest and (tar.offset == 0 or tar.offset < tar_bytes):
                name = rest.pop()
                entry = tarfile.TarInfo(name)
                entry.size = (root / name).stat().st_size
                with (root / name).open('rb') as content:
                    tar.addfile(entry, content)
                padded = -(-entry.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
                places.append((len(tars), tar.offset - padded, entry.size))
        tars.append(file)
    encoded = np.array([name.encode() for name in names])
    order = np.argsort(encoded, kind='stable')
    np.save(folder / _NAMES, encoded[order])
    np.save(folder / _PLACES, np.array(places, np.int64)[order])
    sizes = {file.name: file.stat().st_size for file in tars}
    (folder / _INDEX).write_text(json.dumps(dict(version=LAYOUT_VERSION, pictures=len(names), tars=sizes)))


class PackedPictures:
    """Reads the pictures that :func:`pack_pictures` wrote; every process opens files when it first needs them.

    Args:
        path: An LMDB file, or a folder of tars.

    Raises:
        FileNotFoundError: If there is nothing.
        DataError: If it is something else, of another layout, or incomplete.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        if not self.path.exists():
            raise FileNotFoundError(f'{self.path} is not there; make it with `mmvg data pack ROOT --to lmdb`')
        meta = self._tar_index() if self.path.is_dir() else _parse(self.path, read_lmdb(self.path, [_META])[0])
        self.count = meta.get('pictures')
        if meta.get('version') != LAYOUT_VERSION or type(self.count) is not int or self.count < 0:
            raise DataError(f'{self.path} holds no pictures of layout {LAYOUT_VERSION}; pack them again')
        if self.path.is_dir():
            self._tar_sizes(meta)

    def read(self, name: str) -> bytes:
        """Read a picture file.

        Args:
            name: Its path below the data root, with ``/``.

        Raises:
            DataError: If it is not there, or the pack is damaged.
        """
        if not self.path.is_dir():
            return read_lmdb(self.path, [_key(name)])[0]
        place = self._place(name)
        if place is None:
            raise DataError(f'{self.path} has no {name!r}; pack it again with all pictures of the data set')
        tar, start, length = place
        content = os.pread(self._files[tar], length, start)
        if len(content) != length:
            raise DataError(f'{self.path}: tar {tar} ends inside of {name!r}; it was cut off: pack it again')
        return content

    def names(self) -> list[str]:
        """Return the paths of all pictures below the data root, in their order.

        Raises:
            DataError: If the pack is damaged.
        """
        if not self.path.is_dir():
            start = _key('')
            return [key.removeprefix(start) for key in lmdb_keys(self.path) if key.startswith(start)]
        try:
            return [name.decode() for name in self._arrays[0].tolist()]
        except UnicodeDecodeError as error:
            raise DataError(f'{self.path / _NAMES} holds a name that is no text: {error}; pack it again') from error

    def __contains__(self, name: str) -> bool:
        if self.path.is_dir():
            return self._place(name) is not None
        try:
            return bool(self.read(name))
        except DataError:
            return False

    def __len__(self) -> int:
        return self.count

    def _place(self, name: str) -> tuple[int, int, int] | None:
        names, places = self._arrays
        encoded = np.bytes_(name.encode())
        if len(encoded) > names.itemsize:  # or NumPy would copy all names
            return None
        row = int(np.searchsorted(names, np.array(encoded, names.dtype)))
        return tuple(map(int, places[row])) if row < len(names) and names[row] == encoded else None

    def _tar_index(self) -> dict:
        file = self.path / _INDEX
        if not file.is_file():
            raise DataError(
                f'{file} is not there: this is no folder of packed pictures, or a part of one; pack it again'
            )
        return read_json(file, dict)

    def _tar_sizes(self, index: dict) -> dict[str, int]:
        """Names of the tars, by which they are numbered, and their sizes in bytes, which are those of the files."""
        tars = index.get('tars')
        if not isinstance(tars, dict) or any(
            not name.endswith('.tar') or name != Path(name).name or type(size) is not int for name, size in tars.items()
        ):
            raise DataError(f'{self.path / _INDEX}: tars are not names of tars with their sizes; pack it again')
        for name, size in tars.items():
            file = self.path / name
            if not file.is_file() or file.stat().st_size != size:
                raise DataError(f'{file} is not there, or has not the {size} bytes that {_INDEX} says; pack it again')
        return dict(sorted(tars.items()))

    @cached_property
    def _arrays(self) -> tuple[np.ndarray, np.ndarray]:
        names, places = (_load_array(self.path / file) for file in (_NAMES, _PLACES))
        if names.shape != (self.count,) or names.dtype.kind != 'S' or places.shape != (self.count, 3):
            raise DataError(
                f'{self.path}: {_NAMES} and {_PLACES} are not those of {self.count} pictures; pack it again'
            )
        sizes = np.array(list(self._tar_sizes(self._tar_index()).values()), np.int64)
        if places.dtype != np.int64 or not _lie_within(places, sizes):
            raise DataError(f'{self.path / _PLACES} names places that are not in the tars; pack it again')
        return names, places

    @cached_property
    def _files(self) -> list[int]:
        """Open tars; reading at a place moves nothing that another process has, so workers may share them."""
        return [os.open(self.path / name, os.O_RDONLY) for name in self._tar_sizes(self._tar_index())]

    def __getstate__(self) -> dict:
        return dict(path=self.path, count=self.count)  # of a worker that is no fork


def _key(name: str) -> str:
    return f'img:{name}'


def _parse(path: Path, value: bytes) -> dict:
    try:
        meta = parse_json(value)
    except ValueError as error:
        raise DataError(f'{path} holds a record that is no JSON: {error}; pack it again') from error
    return meta if isinstance(meta, dict) else {}


def _load_array(file: Path) -> np.ndarray:
    if not file.is_file():
        raise DataError(f'{file} is not there; pack it again')
    try:
        return np.lib.format.open_memmap(file, mode='r')
    except Exception as error:  # a damaged header ends in almost any exception
        raise DataError(f'{file} cannot be loaded as an array: {error}; pack it again') from error


def _lie_within(places: np.ndarray, sizes: np.ndarray) -> bool:
    """Whether tar, first byte and length (N, 3) lie within tars of ``sizes`` in bytes."""
    tar, start, length = places.T
    if not ((tar >= 0) & (tar < len(sizes)) & (start >= 0) & (length >= 0)).all():
        return False
    return bool((length <= sizes[tar] - start).all())
