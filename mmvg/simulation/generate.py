"""Write a whole data set: tables in parallel, then the lists of every format, then the stamp that it is complete."""

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2

from mmvg.refshapes.drawn_folder import DrawnFolder, check_drawing
from mmvg.refshapes.generate import SPECIAL_WORDS
from mmvg.refshapes.wording import grammar_words

from .grasps import tried_grasps
from .kinds import KINDS
from .layout import check_size, draw_table
from .scene import render_table
from .writers import TABLE_WRITERS, FinishedTable

VERSION = '1.1'  # raise it whenever the same seed would give other bytes
SHARES = {'train': 0.85, 'val': 0.075, 'test': 0.075}
_GRASPS, _NOISE = 3, 6  # purposes of random numbers, see TableScene.rng
_CHUNK = 4  # tables


def generate_tables(
    out: Path | str,
    number: int = 2000,
    seed: int = 0,
    formats: Sequence[str] = tuple(TABLE_WRITERS),
    workers: int | None = None,
    size: tuple[int, int] = (320, 240),
    noise: bool = False,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, int]:
    """Write RefScenes; the same arguments give the same bytes on the same machine, with any number of workers.

    Nothing is done when ``out`` holds this very data set already; where it lacks a format, that is added, and so are
    those that an interrupted call has begun.

    Args:
        out: Root folder; one folder per format, ``vocab.txt``, ``scenes.jsonl`` and, last, ``refscenes.json``.
        number: Of tables; 85 % are for training.
        seed: Any non-negative integer.
        formats: Keys of ``TABLE_WRITERS``.
        workers: Number of processes, 1 or more; as many as there are cores by default.
        size: Width and height of the pictures in pixels, 4:3, from 160 to 4,096 wide.
        noise: Depth with the noise and the holes of a real sensor. Grasps are tried with exact depth all the same.
        force: Replace a RefScenes of other settings.
        progress: Called with the number of finished and of all tables.

    Returns:
        What was written: tables, objects, grasps, sentences, and of these how many ``jsonl`` leaves out, since no grasp
        lifts what they mean; empty when there was nothing to do.

    Raises:
        DatasetConflictError: ``out`` holds something else.
        OSError: A file could not be written.
        ValueError: Unknown format, a negative seed, no worker, a size that is not allowed, or too few tables for three
            splits.
    """
    check_drawing(seed, formats, TABLE_WRITERS, workers)
    if number < 3:
        raise ValueError(f'{number} tables are too few: train, val and test need one each')
    check_size(size)
    out = Path(out)
    about = dict(name='RefScenes', version=VERSION, number=number, seed=seed, size=list(size), noise=noise)
    parts = [*(writer.folder for writer in TABLE_WRITERS.values()), 'vocab.txt', 'scenes.jsonl']
    folder = DrawnFolder(out, 'RefScenes', parts)
    present, begun = folder.claim(about, force)
    if set(formats) <= set(present):
        return {}
    formats = [name for name in TABLE_WRITERS if name in {*formats, *present, *begun}]
    folder.begin(about, formats)
    jobs = [range(i, min(i + _CHUNK, number)) for i in range(0, number, _CHUNK)]
    job = partial(_write_chunk, out, number, seed, formats, size, noise)
    lines: list[dict] = []
    for part in _in_parallel(job, jobs, workers or os.cpu_count() or 1):
        lines += part
        if progress:
            progress(len(lines), number)
    left_out = sum(len(line['sentences']) - len(line['_jsonl']) for line in lines) if 'jsonl' in formats else None
    for name in formats:
        TABLE_WRITERS[name]().write_lists([(line['split'], line.pop(f'_{name}')) for line in lines], out)
    (out / 'vocab.txt').write_text('\n'.join([*SPECIAL_WORDS, *grammar_words(tuple(KINDS))]) + '\n')
    (out / 'scenes.jsonl').write_text(''.join(json.dumps(line) + '\n' for line in lines))
    folder.finish(about, formats)
    things = [thing for line in lines for thing in line['objects']]
    return dict(
        tables=len(lines),
        objects=len(things),
        graspable=sum(bool(thing['grasps']) for thing in things),
        grasps=sum(len(thing['grasps']) for thing in things),
        sentences=sum(len(line['sentences']) for line in lines),
        **({} if left_out is None else dict(left_out_of_jsonl=left_out)),
    )


def split_of(index: int, number: int) -> str:
    """Split of table ``index`` of ``number``: each has at least one.

    Example:
        >>> [split_of(index, 4) for index in range(4)]
        ['train', 'train', 'val', 'test']
    """
    held = max(round(SHARES['val'] * number), 1)
    if index < number - 2 * held:
        return 'train'
    return 'val' if index < number - held else 'test'


def finish_table(
    index: int, split: str, seed: int, size: tuple[int, int] = (320, 240), noise: bool = False
) -> FinishedTable:
    """Draw table ``index`` of a data set, render it, and try its grasps."""
    scene = draw_table([seed, index], size=size)
    exact = scene.view
    grasps = tried_grasps(scene.objects, scene.camera, exact, scene.rng(_GRASPS))
    view = render_table(scene, scene.rng(_NOISE)) if noise else exact
    return FinishedTable(index, split, scene, view, grasps)


def _write_chunk(
    out: Path, number: int, seed: int, formats: Sequence[str], size: tuple[int, int], noise: bool, indices: range
) -> list[dict]:
    """Write some tables, and return a line about each; what the lists of a format need is under ``_<format>``."""
    cv2.setNumThreads(1)
    lines = []
    for index in indices:
        table = finish_table(index, split_of(index, number), seed, size, noise)
        written = {f'_{name}': TABLE_WRITERS[name]().write_table(table, out) for name in formats}
        lines.append(describe(table) | written)
    return lines


def describe(table: FinishedTable) -> dict[str, Any]:
    """The line of ``scenes.jsonl`` about a table: what no format of a benchmark has."""
    scene = table.scene
    k = scene.camera.intrinsics
    things = [
        {
            'kind': thing.kind,
            'colour': thing.colour,
            'size': thing.size,
            'pattern': thing.pattern,
            'parts': list(thing.parts),
            'mass': round(thing.mass, 4),
            'pose': thing.pose.round(5).tolist(),
            'grasps': [{'grasp': grasp.round(3).tolist(), 'part': part} for grasp, part in grasps],
        }
        for thing, grasps in zip(scene.objects, table.grasps, strict=True)
    ]
    return {
        'index': table.index,
        'split': table.split,
        'layout': scene.layout,
        'camera_matrix': [k.fx, 0, k.cx, 0, k.fy, k.cy, 0, 0, 1],
        'size': [k.width, k.height],
        'camera_to_table': scene.camera.camera_to_table.tolist(),
        'objects': things,
        'sentences': [sentence._asdict() for sentence in scene.sentences],
    }


def _in_parallel(job: Callable[[range], list[dict]], jobs: list[range], workers: int) -> Any:
    """Results of all jobs in their order."""
    if workers == 1 or len(jobs) == 1:
        yield from map(job, jobs)
        return
    with ProcessPoolExecutor(min(workers, len(jobs)), mp_context=get_context('spawn')) as pool:
        yield from pool.map(job, jobs)
