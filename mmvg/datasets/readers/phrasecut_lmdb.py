"""PhraseCut in one LMDB file, for file systems that are slow at many small files."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmvg.datasets.readers.lmdb_files import import_lmdb, opened_lmdb, read_lmdb, write_lmdb
from mmvg.datasets.readers.load_report import DataError
from mmvg.datasets.readers.pack_targets import check_pack_target
from mmvg.datasets.readers.safe_reading import parse_json, read_json
from mmvg.foreign_files import shown

#: Of the layout below; a reader refuses another one.
LAYOUT_VERSION = 1
_TASK_KEYS = ('task_id', 'image_id', 'ann_ids', 'phrase', 'phrase_structure', 'instance_boxes', 'Polygons')


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
        FileExistsError: If ``out`` is there and ``force`` is not set, or is no LMDB file.
        DataError: If a task names no image, or one without a size or a file.
        ImportError: If the package ``lmdb`` is not installed.
    """
    import_lmdb()
    check_pack_target(out, folder=False, force=force)
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

    content = sum(file.stat().st_size for file in (*files.values(), *task_files))
    write_lmdb(out, records(), content, len(files) + len(tasks))
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
        entries = opened_lmdb(str(self.path.resolve())).stat()['entries']
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
        return read_lmdb(self.path, keys)


def _dump(record: dict) -> bytes:
    return json.dumps(record, separators=(',', ':')).encode()
