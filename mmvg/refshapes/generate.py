"""Write a whole data set: pictures in parallel, then every format, then the stamp that says it is complete."""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from mmvg.checks import check_choice

from .annotate import make_record, split_of
from .records import SceneRecord
from .sizes import SIZES, VERSION, SizeSettings
from .wording import grammar_words
from .writers import WRITERS

STAMP = 'refshapes.json'
_STARTED = '.refshapes_started.json'
_CHUNK = 32
SPECIAL_WORDS = ('[PAD]', '[UNK]', '[BOS]', '[EOS]')


class DatasetConflictError(RuntimeError):
    """Raised when the output folder holds something that would be lost.

    Example:
        >>> Path('notes').mkdir()
        >>> Path('notes/todo.txt').touch()
        >>> generate('notes', 'tiny')
        Traceback (most recent call last):
            ...
        mmvg.refshapes.generate.DatasetConflictError: notes is not empty and was not written by RefShapes ...
    """


def generate(
    out: Path | str,
    size: str = 'small',
    seed: int = 0,
    formats: Sequence[str] = tuple(WRITERS),
    workers: int | None = None,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> list[SceneRecord]:
    """Write RefShapes; the same size and seed give the same bytes.

    Nothing is done when ``out`` holds this very data set already.

    Args:
        out: Root folder; ``images/train2014``, one folder per format, ``vocab.txt``, ``scenes.jsonl`` and, last,
            ``refshapes.json`` are written there.
        size: Key of ``SIZES``.
        seed: Any non-negative integer.
        formats: Keys of ``WRITERS``.
        workers: Number of processes; as many as there are cores by default.
        force: Replace a RefShapes data set of another size, seed or version.
        progress: Called with the number of finished and of all pictures.

    Returns:
        The pictures in order; empty when there was nothing to do.

    Raises:
        DatasetConflictError: ``out`` holds another data set.
        ValueError: Unknown size or format.

    Example:
        >>> records = generate('drawn', 'tiny', formats=['refcoco'], workers=1)
        >>> len(records), sorted(path.name for path in Path('drawn/refcoco').iterdir())
        (44, ['instances.json', 'kinds(unc).json', 'refs(unc).p'])
    """
    out = Path(out)
    _check_names(size, formats)
    stamp = {'name': 'RefShapes', 'version': VERSION, 'size': size, 'seed': seed}
    present = _claim(out, stamp, force)
    if set(formats) <= set(present):
        return []
    formats = [name for name in WRITERS if name in formats or name in present]

    settings = SIZES[size]
    images = out / 'images' / 'train2014'
    images.mkdir(parents=True, exist_ok=True)
    (out / _STARTED).write_text(json.dumps(stamp))
    (out / STAMP).unlink(missing_ok=True)
    styles = list(dict.fromkeys(style for name in formats for style in WRITERS[name].styles))
    workers = workers or (1 if sum(settings.images.values()) <= 2 * _CHUNK else os.cpu_count() or 1)
    records = _draw_all(settings, seed, styles, images, workers, progress)
    for name in formats:
        WRITERS[name]().write(records, out)
    (out / 'vocab.txt').write_text('\n'.join([*SPECIAL_WORDS, *grammar_words()]) + '\n')
    write_scenes(records, out / 'scenes.jsonl')
    (out / STAMP).write_text(json.dumps(stamp | {'formats': formats, 'images': settings.images}, indent=2) + '\n')
    (out / _STARTED).unlink()
    return records


def write_image(path: str, image: np.ndarray) -> None:
    """Write a BGR image as a JPEG without colour subsampling.

    Raises:
        OSError: The file could not be written.
    """
    options = [cv2.IMWRITE_JPEG_QUALITY, 92, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    if not cv2.imwrite(path, image, options):
        raise OSError(f'{path}: the image could not be written; is the disk full or the folder read-only?')


def write_scenes(records: Sequence[SceneRecord], path: Path) -> None:
    """Write what no benchmark has: per picture one line with the attributes, pose and handle of its objects."""
    with path.open('w') as file:
        for record in records:
            objects = [
                {'ann_id': annotation.ann_id, 'visible': annotation.visible, 'bbox': annotation.bbox}
                | {key: round(v, 3) if isinstance(v, float) else v for key, v in asdict(thing).items()}
                | {'handle': annotation.handle}
                for thing, annotation in zip(record.scene.objects, record.annotations, strict=True)
            ]
            line = {'image_id': record.image_id, 'split': record.split, 'width': record.scene.width}
            file.write(json.dumps(line | {'height': record.scene.height, 'objects': objects}) + '\n')


def _check_names(size: str, formats: Sequence[str]) -> None:
    """Check that size and formats are known.

    Raises:
        ValueError: If one is not, or there is no format.
    """
    check_choice('size', size, SIZES)
    unknown = sorted(set(formats) - set(WRITERS))
    if unknown or not formats:
        raise ValueError(f'unknown formats {unknown}; there are {", ".join(WRITERS)}')


def _claim(out: Path, stamp: dict, force: bool) -> list[str]:
    """Check that ``out`` may be written, and empty it of another RefShapes if ``force``.

    Returns:
        The formats of this very data set that are complete in it.

    Raises:
        DatasetConflictError: If it holds anything else.
    """
    if out.exists() and not out.is_dir():
        raise DatasetConflictError(f'{out} is a file; give a folder with --out')
    for name in (STAMP, _STARTED):
        if (out / name).is_file():
            found = json.loads((out / name).read_text())
            if {key: found.get(key) for key in stamp} == stamp:
                return found.get('formats', [])
            if not force:
                raise DatasetConflictError(
                    f'{out} holds RefShapes {found.get("version")} of size {found.get("size")}, seed '
                    f'{found.get("seed")}; asked for is {stamp["version"]}, {stamp["size"]}, {stamp["seed"]}. '
                    'Choose another folder with --out, or replace it with --force.'
                )
            _remove(out)
            return []
    if out.exists() and any(out.iterdir()):
        raise DatasetConflictError(
            f'{out} is not empty and was not written by RefShapes (it has no {STAMP}); it will not be touched, '
            'not even with --force. Choose another folder with --out.'
        )
    return []


def _remove(out: Path) -> None:
    """Delete what an earlier run wrote, and nothing else."""
    shutil.rmtree(out / 'images' / 'train2014', ignore_errors=True)
    for writer in WRITERS.values():
        shutil.rmtree(out / writer.folder, ignore_errors=True)
    for name in (STAMP, _STARTED, 'vocab.txt', 'scenes.jsonl'):
        (out / name).unlink(missing_ok=True)


def _draw_all(
    settings: SizeSettings,
    seed: int,
    styles: list[str],
    images: Path,
    workers: int,
    progress: Callable[[int, int], None] | None,
) -> list[SceneRecord]:
    """Draw all pictures of a size, in several processes if there are many."""
    total = sum(settings.images.values())
    chunks = [range(i, min(i + _CHUNK, total)) for i in range(0, total, _CHUNK)]
    job = partial(_draw_chunk, settings, seed, styles, images)
    records: list[SceneRecord] = []

    def collect(results) -> None:
        for chunk in results:
            records.extend(chunk)
            if progress:
                progress(len(records), total)

    if workers == 1 or len(chunks) == 1:
        collect(map(job, chunks))
    else:
        with ProcessPoolExecutor(min(workers, len(chunks)), mp_context=get_context('spawn')) as pool:
            collect(pool.map(job, chunks))
    return records


def _draw_chunk(
    settings: SizeSettings, seed: int, styles: list[str], images: Path, indices: range
) -> list[SceneRecord]:
    """Draw the pictures of ``indices`` and write their images."""
    cv2.setNumThreads(1)
    records = []
    for index in indices:
        record, image = make_record(settings, seed, split_of(settings, index), index, styles)
        write_image(str(images / record.file_name), image)
        records.append(record)
    return records
