"""Where the files of a dataset are expected, and what to tell somebody who does not have them."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

#: Image folders that other code bases use, below the data root.
KNOWN_IMAGE_FOLDERS = (
    'images/train2014',
    'images/mscoco/images/train2014',
    'images/mscoco/train2014',
    'train2014',
    'coco/train2014',
    'trainval2014',
    'images/trainval2014',
    'images/mscoco/trainval2014',
)


def first_existing(root: Path, paths: str | Sequence[str]) -> Path:
    """Return the first of ``paths`` below ``root`` that is a file, or the last if none is."""
    candidates = [root / path for path in ([paths] if isinstance(paths, str) else paths)]
    return next((path for path in candidates if path.is_file()), candidates[-1])


def require_data(dataset: str, root: Path, files: Iterable[Path], image_folder: Path | None) -> None:
    """Check that annotation files and image folder, unless it is None, are there, before anything is read.

    Raises:
        FileNotFoundError: Names everything that is missing, what stands there instead, and the ways out.
    """
    missing = [f'the file {path}{_neighbours(path)}' for path in files if not path.is_file()]
    if image_folder is not None and not _has_content(image_folder):
        found = [str(root / name) for name in KNOWN_IMAGE_FOLDERS if _has_content(root / name)]
        hint = f' (found {", ".join(found)}: set img_prefix)' if found else ''
        missing.append(f'the images in the folder {image_folder}{hint}')
    if missing:
        listed = ''.join(f'\n  - {item}' for item in missing)
        raise FileNotFoundError(
            f'{dataset} needs files that are not there:{listed}\n'
            'data/README.md shows which file goes where and where it comes from. '
            '`make demo` needs none of them: it draws its own data set, RefShapes, into data/refshapes.'
        )


def _has_content(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    with os.scandir(folder) as entries:  # the folder holds 80,000 images: look at the first
        return next(entries, None) is not None


def _neighbours(path: Path) -> str:
    """Tell what the folder of a missing file holds instead, or the first of its parents that is missing or empty."""
    folder = path.parent
    if not folder.is_dir():
        existing = next(parent for parent in folder.parents if parent.is_dir())
        return f' ({existing} holds {_listing(existing)})'
    return f' ({folder} holds {_listing(folder)})'


def _listing(folder: Path, most: int = 12) -> str:
    names = sorted(entry.name + ('/' if entry.is_dir() else '') for entry in folder.iterdir())
    if not names:
        return 'nothing'
    return ', '.join(names[:most]) + (f' and {len(names) - most} more' if len(names) > most else '')
