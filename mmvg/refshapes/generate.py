"""Write a whole data set: pictures in parallel, then every format, then the stamp that says it is complete."""

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2

from mmvg.checks import check_choice
from mmvg.pictures import write_image

from .annotate import make_record, split_of
from .drawn_folder import DrawnFolder, check_drawing
from .records import SceneRecord
from .sizes import SIZES, VERSION, SizeSettings
from .wording import grammar_words
from .writers import WRITERS

_CHUNK = 32
_JPEG = [cv2.IMWRITE_JPEG_QUALITY, 92, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
SPECIAL_WORDS = ('[PAD]', '[UNK]', '[BOS]', '[EOS]')


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

    Nothing is done when ``out`` holds this very data set already. Formats that an interrupted call has begun are
    written as well.

    Args:
        out: Root folder; ``images/train2014``, one folder per format, ``vocab.txt``, ``scenes.jsonl`` and, last,
            ``refshapes.json`` are written there.
        size: Key of ``SIZES``.
        seed: Any non-negative integer.
        formats: Keys of ``WRITERS``.
        workers: Number of processes, 1 or more; as many as there are cores by default.
        force: Replace a RefShapes data set of another size, seed or version.
        progress: Called with the number of finished and of all pictures.

    Returns:
        The pictures in order; empty when there was nothing to do.

    Raises:
        DatasetConflictError: ``out`` holds another data set.
        OSError: A file could not be written.
        ValueError: Unknown size or format, a negative seed, or no worker.

    Example:
        >>> records = generate('drawn', 'tiny', formats=['refcoco'], workers=1)
        >>> len(records), sorted(path.name for path in Path('drawn/refcoco').iterdir())
        (44, ['instances.json', 'kinds(unc).json', 'refs(unc).p'])
    """
    out = Path(out)
    check_choice('size', size, SIZES)
    check_drawing(seed, formats, WRITERS, workers)
    about = {'name': 'RefShapes', 'version': VERSION, 'size': size, 'seed': seed}
    parts = ['images/train2014', *(writer.folder for writer in WRITERS.values()), 'vocab.txt', 'scenes.jsonl']
    folder = DrawnFolder(out, 'RefShapes', parts)
    present, begun = folder.claim(about, force)
    if set(formats) <= set(present):
        return []
    formats = [name for name in WRITERS if name in {*formats, *present, *begun}]
    folder.begin(about, formats)

    settings = SIZES[size]
    images = out / 'images' / 'train2014'
    images.mkdir(parents=True, exist_ok=True)
    styles = list(dict.fromkeys(style for name in formats for style in WRITERS[name].styles))
    workers = workers or (1 if sum(settings.images.values()) <= 2 * _CHUNK else os.cpu_count() or 1)
    records = _draw_all(settings, seed, styles, images, workers, progress)
    for name in formats:
        WRITERS[name]().write(records, out)
    (out / 'vocab.txt').write_text('\n'.join([*SPECIAL_WORDS, *grammar_words()]) + '\n')
    write_scenes(records, out / 'scenes.jsonl')
    folder.finish(about, formats, images=settings.images)
    return records


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
        write_image(images / record.file_name, image, _JPEG)
        records.append(record)
    return records
