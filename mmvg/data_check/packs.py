"""Checks of packed pictures: is the pack whole, and is every file in it a picture?"""

from collections.abc import Callable
from functools import partial
from io import BytesIO
from itertools import pairwise
from pathlib import Path

from mmvg.data_check.counts import Counts
from mmvg.data_check.findings import FindingReport
from mmvg.data_check.through_readers import Source, check_sources
from mmvg.datasets.phrasecut import RELEASED_COUNTS, PhraseCutDataset
from mmvg.datasets.readers import DataError, PackedPictures, PictureError, open_picture
from mmvg.datasets.readers.lmdb_files import read_lmdb
from mmvg.datasets.readers.safe_reading import parse_json


def pack_of(target: Path) -> Path | None:
    """Return the pack that is meant: an LMDB file, a folder of tars, or that of a tar; None if it is none.

    Example:
        >>> pack_of(Path('data/pictures/pictures-000000.tar'))
        PosixPath('data/pictures')
        >>> pack_of(Path('data'))
    """
    if target.suffix == '.lmdb' and not target.is_dir():
        return target
    if target.suffix == '.tar' and not target.is_dir():
        return target.parent
    return target if any(target.glob('pictures-*.tar')) else None


def check_pack(
    pack: Path, report: FindingReport, decode: bool, progress: Callable[[str], None]
) -> dict[str, dict[tuple[str, str], Counts]]:
    """Check packed pictures, or PhraseCut with its annotations, which is read as a dataset.

    Args:
        pack: An LMDB file, or a folder of tars.
        report: Where findings go.
        decode: Decode every picture; otherwise only headers are read.
        progress: Called with what is looked at next.

    Returns:
        Name of the data set -> (file, split) -> what it holds.

    Raises:
        FileNotFoundError: If there is nothing.
    """
    progress(pack.name)
    report.opened.add(pack)
    if (split := _split_of(pack)) is not None:
        build = partial(PhraseCutDataset, split, data_root=str(pack.parent), lmdb_file=pack.name, lazy_init=True)
        return dict(phrasecut=check_sources([Source(pack, split, build, exact=False)], report, decode, progress))
    names: list[str] = []
    try:
        packed = PackedPictures(pack)
        names = packed.names()
    except DataError as error:
        report.found(f'damaged pack: {error}', pack, 'the pack')
    else:
        if len(names) != len(packed):
            report.found(f'damaged pack: {len(names)} pictures, and {len(packed)} are announced', pack, 'the pack')
        if any(name >= after for name, after in pairwise(map(str.encode, names))):
            report.found('damaged pack: names that are not in order, by which they are found', pack, 'the pack')
        for name in names:
            _check_picture(packed, name, report, decode)
    return dict(pictures={(pack.name, ''): Counts(images=set(names))})


def _split_of(pack: Path) -> str | None:
    """The split of PhraseCut that an LMDB file holds; None for another pack, a damaged one too."""
    if not pack.is_file():
        return None
    try:
        meta = parse_json(read_lmdb(pack, ['__meta__'])[0])
    except ValueError:
        return None
    return next((split for split in RELEASED_COUNTS if isinstance(meta, dict) and split == meta.get('split')), None)


def _check_picture(packed: PackedPictures, name: str, report: FindingReport, decode: bool) -> None:
    try:
        with open_picture(BytesIO(packed.read(name))) as picture:
            if decode:
                picture.load()
    except PictureError as error:
        report.found(f'image that cannot be decoded ({error})', packed.path, name)
    except DataError as error:
        report.found(f'damaged pack: {error}', packed.path, name)
