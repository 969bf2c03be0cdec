"""PhraseCut in one LMDB file, for file systems that are slow at many small files."""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmvg.datasets.readers.load_report import DataError
from mmvg.datasets.readers.safe_reading import parse_json, read_json
from mmvg.foreign_files import shown, special_file

#: Of the layout below; a reader refuses another one.
LAYOUT_VERSION = 1
_TASK_KEYS = ('task_id', 'image_id', 'ann_ids', 'phrase', 'phrase_structure', 'instance_boxes', 'Polygons')
_RECORDS_PER_COMMIT = 1000


def write_phrasecut_lmdb(
    out: Path, split: str, task_files: Sequence[Path], images_file: Path, image_folder: Path, force: bool = False
) -> tuple[int, int]:
    """Pack tasks and their images; returns how many of each.

    Keys and values, none of which is a pickle, since reading one can run code::

        img:<image_id>   the image file as it is
        task:<index>     JSON of the task as in refer_<split>.json, and image_size [height, width] of images_file
        __meta__         JSON: version, split, tasks, images, sources {file name: SHA-256}

    An image is stored once, however many tasks are about it. ``out`` appears only when it is complete.

    Raises:
        FileExistsError: If ``out`` is there and ``force`` is not set.
        DataError: If a task names no image, or one without a size or a file.
        ImportError: If the package ``lmdb`` is not installed.
    """
    lmdb = _import_lmdb()
    if out.exists() and not force:
        raise FileExistsError(f'{out} is there already; use --force to write it again')
    sizes = {image['image_id']: [image.get('height'), image.get('width')] for image in read_json(images_file, list)}
    tasks = [task for file in task_files for task in read_json(file, list)]
    files: dict[int, Path] = {}
    for position, task in enumerate(tasks):
        image_id = task.get('image_id') if isinstance(task, dict) else None
        if image_id not in sizes:
            raise DataError(f'{task_files[0]}: task {position} has image_id {image_id!r}, which {images_file} has not')
        files.setdefault(image_id, image_folder / f'{image_id}.jpg')
    missing = [file for file in files.values() if not file.is_file()]
    if missing:
        raise DataError(f'{len(missing)} of {len(files)} images are missing, such as {missing[0]}; get them first')
    sources = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (*task_files, images_file)}
    meta = dict(version=LAYOUT_VERSION, split=split, tasks=len(tasks), images=len(files), sources=sources)

    def records() -> Iterator[tuple[str, bytes]]:
        for image_id, file in files.items():
            yield f'img:{image_id}', file.read_bytes()
        for position, task in enumerate(tasks):
            record = {key: task[key] for key in _TASK_KEYS if key in task}
            yield f'task:{position}', _dump(record | dict(image_size=sizes[task['image_id']]))
        yield '__meta__', _dump(meta)

    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = out.with_name(f'{out.name}.unfinished')
    unfinished.unlink(missing_ok=True)
    content = sum(file.stat().st_size for file in (*files.values(), *task_files))
    room = 2 * content + 8192 * (len(files) + len(tasks)) + 2**24  # an upper bound: the file grows as it is written
    with lmdb.open(str(unfinished), map_size=room, subdir=False, lock=False) as environment:
        transaction = environment.begin(write=True)
        for number, (key, value) in enumerate(records(), 1):
            transaction.put(key.encode(), value)
            if number % _RECORDS_PER_COMMIT == 0:
                transaction.commit()
                transaction = environment.begin(write=True)
        transaction.commit()
    os.replace(unfinished, out)
    return len(tasks), len(files)


class PhraseCutLMDB:
    """Reads what :func:`write_phrasecut_lmdb` wrote; every process opens the file for itself when it first needs it.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def tasks(self, split: str) -> list[dict]:
        """Read all tasks, in the words of ``refer_<split>.json``, and with ``image_size`` [height, width].

        Raises:
            DataError: If the file has another layout or split, or is incomplete.
        """
        meta = self._meta()
        if meta.get('version') != LAYOUT_VERSION:
            raise DataError(
                f'{self.path}: its layout has version {meta.get("version")}, expected {LAYOUT_VERSION}; pack it again'
            )
        if meta.get('split') != split:
            raise DataError(f'{self.path} holds the split {meta.get("split")!r}, not {split!r}')
        count = meta.get('tasks')
        entries = _opened(str(self.path.resolve())).stat()['entries']
        if not isinstance(count, int) or not 0 <= count < entries:
            raise DataError(
                f'{self.path}: {shown(count)} tasks are announced, but it has {entries} entries: pack it again'
            )
        return [self._parse(value) for value in self._get([f'task:{position}' for position in range(count)])]

    def image(self, image_id: int) -> bytes:
        """Read the image file ``image_id``.

        Raises:
            DataError: If it is not there.
        """
        return self._get([f'img:{image_id}'])[0]

    def _meta(self) -> dict:
        if (kind := special_file(self.path)) is not None:
            raise DataError(f'{self.path} is {kind}, not a file')
        return self._parse(self._get(['__meta__'])[0])

    def _parse(self, value: bytes) -> dict:
        try:
            record = parse_json(value)
        except ValueError as error:
            raise DataError(f'{self.path} holds a record that is no JSON: {error}; pack it again') from error
        if not isinstance(record, dict):
            raise DataError(f'{self.path} holds a record that is a {type(record).__name__}; pack it again')
        return record

    def _get(self, keys: Sequence[str]) -> list[bytes]:
        lmdb = _import_lmdb()
        try:
            with _opened(str(self.path.resolve())).begin() as transaction:
                values = [transaction.get(key.encode()) for key in keys]
        except lmdb.Error as error:
            raise DataError(f'{self.path} is not a whole LMDB file: {error}; make it with `mmvg data pack`') from error
        if None in values:
            raise DataError(
                f'{self.path} has no {keys[values.index(None)]!r}; it was made by another program or is cut off: '
                'pack it again'
            )
        return values


#: What is open in this process, by path: LMDB allows to open a file once, and not to use it after a fork.
_OPENED: dict = {}


def _opened(path: str):
    if path not in _OPENED:
        opened = _import_lmdb().open(path, subdir=False, readonly=True, lock=False, readahead=False, meminit=False)
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


def _dump(record: dict) -> bytes:
    return json.dumps(record, separators=(',', ':')).encode()


def _import_lmdb():
    try:
        import lmdb
    except ImportError as error:
        raise ImportError('packed PhraseCut needs the package lmdb: pip install lmdb') from error
    return lmdb
