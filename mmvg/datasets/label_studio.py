"""Exports of Label Studio in its JSON format."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlparse

import numpy as np

from mmvg.datasets.readers import CocoInstances, DataError, Ref, RefBuilder, is_finite_number, read_json, record_shape
from mmvg.datasets.readers.brush_rle import decode_brush
from mmvg.datasets.readers.ref_builder import Picture
from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.foreign_files import shown
from mmvg.masks import encode_mask, mask_box, union_of_masks
from mmvg.registry import DATASETS

_SHAPES = ('rectangle', 'polygon', 'brush')
#: What Label Studio puts before the name of an uploaded file.
_UPLOAD_PREFIX = re.compile(r'^[0-9a-f]{8}-')


@DATASETS.register_module()
class LabelStudioDataset(ReferringDataset):
    """Regions drawn in Label Studio, and the expressions that were typed for each of them.

    Reads its export "JSON": a list of tasks with ``data`` and ``annotations`` (or ``predictions``), whose ``result``
    holds rectangles, polygons and brush masks in **percent of the upright picture**. What a browser has turned by EXIF
    is turned back into the pixels of the file. The expressions of a region are the texts of a ``textarea`` with
    ``perRegion="true"``; without one, its label as ``phrase`` says. Regions of a picture with one expression are its
    targets. Polygons and brush masks without a text of their own, whose ``parentID`` is a rectangle, are together the
    mask of that box. All other regions, with a ``parentID`` or not, are objects of their own; the box of a polygon
    or brush mask is the one around it. ``data.no_target`` may list expressions that mean nothing. Of several
    annotations of a task the first that was not cancelled counts. For the items see :class:`ReferringDataset`.

    Args:
        ann_file: The export, below ``data_root``.
        split: Name of the split, which is the whole file.
        img_prefix: Image folder. ``data.image`` may be a path, a URL, ``/data/local-files/?d=path`` or an upload,
            whose name Label Studio begins with eight letters: the first of these that is there is taken.
        phrase: Template of the expression of a label.
        image_key: Key of ``data`` that holds the image.
        name: Value of ``dataset`` in every item.
        common: Arguments of all datasets, see :class:`ReferringDataset`.

    Example:
        >>> import json, tempfile
        >>> root = Path(tempfile.mkdtemp())
        >>> (root / 'images').mkdir()
        >>> _ = (root / 'images/a.png').write_bytes(b'')
        >>> place = dict(x=10, y=20, width=30, height=40, rotation=0)
        >>> region = dict(id='r', original_width=200, original_height=100)
        >>> result = [
        ...     dict(region, type='rectanglelabels', value=dict(place, rectanglelabels=['mug'])),
        ...     dict(region, type='textarea', value=dict(place, text=['the red mug'])),
        ... ]
        >>> task = dict(id=1, data=dict(image='a.png'), annotations=[dict(result=result)])
        >>> _ = (root / 'export.json').write_text(json.dumps([task]))
        >>> item = LabelStudioDataset('export.json', data_root=str(root))[0]
        >>> item['text'], item['instances'][0]['bbox']
        ('the red mug', [20.0, 20.0, 80.0, 60.0])
    """

    with_mask = None

    def __init__(
        self,
        ann_file: str,
        split: str = 'train',
        *,
        img_prefix: str = 'images',
        phrase: str = 'the {}',
        image_key: str = 'image',
        name: str = 'label_studio',
        **common: Any,
    ) -> None:
        self.phrase = phrase
        self.image_key = image_key
        super().__init__(name, split, dict(tasks=ann_file), img_prefix, **common)

    def read_annotations(self) -> tuple[list[Ref], CocoInstances]:
        file, report = self.files['tasks'], self.load_report
        builder = RefBuilder(file, self.image_folder, report, self.outside_images, upright=True)
        for position, task in enumerate(read_json(file, list)):
            where = f'task {task.get("id", position) if isinstance(task, dict) else position}'
            if not isinstance(task, dict) or not isinstance(task.get('data'), dict):
                report.fail('task without data; export as "JSON", not "JSON-MIN"', file, where)
            with record_shape(report, file, where):
                self._read_task(task, where, builder)
        if not builder.refs:
            raise DataError(f'{file}: no task has a region with an expression or a label')
        return builder.refs, builder.coco

    def _read_task(self, task: dict, where: str, builder: RefBuilder) -> None:
        file, report, data = self.files['tasks'], self.load_report, task['data']
        if self.image_key not in data:
            report.fail(f'task without data.{self.image_key}', file, f'{where}: its data has {sorted(data)}')
        result = _result_of(task)
        if not result:
            report.note('task without a result', file, where, 'nothing was annotated in it')
        shapes, texts = self._sort(result, where)
        sizes = {(shape.get('original_width'), shape.get('original_height')) for shape in shapes.values()}
        if len(sizes) > 1:
            report.fail('regions with different sizes of one picture', file, f'{where}: {sorted(sizes)}')
        name = find_image(data[self.image_key], self.image_folder)
        picture = builder.picture(name, sizes.pop() if sizes else None, where)
        if picture is None:
            return
        parts = {
            key: shape['parentID'] for key, shape in shapes.items() if not texts.get(key) and _is_part(shape, shapes)
        }
        meant: dict[str, list[int]] = {}
        for key, shape in shapes.items():
            if key in parts:
                continue
            at = f'{where}, region {key}'
            box, mask = self._geometry(shape, picture, at)
            masks = [
                self._geometry(shapes[part], picture, f'{where}, region {part}')[1]
                for part, parent in parts.items()
                if parent == key
            ]
            ann_id = builder.target(picture, box, at, self._united(masks, picture, at) if masks else mask)
            for text in texts.get(key) or self._labels(shape):
                meant.setdefault(text, []).append(ann_id)
        builder.meanings(picture, meant, where, self.split)
        for text in data.get('no_target') or ():
            builder.ref(picture, (), [text], where, self.split)

    def _sort(self, result: list, where: str) -> tuple[dict[str, dict], dict[str, list[str]]]:
        """Return region id -> shape, and region id -> texts; other results are counted."""
        shapes: dict[str, dict] = {}
        texts: dict[str, list[str]] = {}
        for entry in result:
            kind = str(entry.get('type', '')).removesuffix('labels')
            value = entry.get('value')
            if kind == 'textarea' and isinstance(value, dict):
                found = value.get('text')
                texts.setdefault(entry.get('id'), []).extend([found] if isinstance(found, str) else found or [])
            elif kind in _SHAPES and isinstance(value, dict):
                shapes.setdefault(entry['id'], entry)
                shapes[entry['id']]['value'].update({k: v for k, v in value.items() if k.endswith('labels')})
            elif kind not in ('label', 'relation', 'choices', 'rating', 'number', ''):
                self.load_report.note(f'result of type {shown(entry["type"])}', self.files['tasks'], where, 'left out')
        return shapes, texts

    def _labels(self, shape: dict) -> list[str]:
        value = shape['value']
        labels = next((value[key] for key in value if key.endswith('labels') and value[key]), [])
        return [self.phrase.format(label) for label in labels]

    def _united(self, masks: list[list | dict], picture: Picture, where: str) -> list | dict:
        """Return one mask for the parts of a box: polygons, or an RLE if one of the parts is one."""
        if len(masks) == 1:
            return masks[0]
        if all(isinstance(mask, list) for mask in masks):
            return [polygon for polygons in masks for polygon in polygons]
        try:
            return union_of_masks(masks, picture.height, picture.width)
        except ValueError as error:
            self.load_report.fail('masks that cannot be united', self.files['tasks'], f'{where}: {error}')

    def _geometry(self, shape: dict, picture: Picture, where: str) -> tuple[list[float], list | dict | None]:
        """Return box and mask of a region in pixels of the upright picture."""
        file, report, value = self.files['tasks'], self.load_report, shape['value']
        if shape.get('image_rotation'):
            report.fail('picture that was rotated by hand', file, f'{where}: image_rotation {shape["image_rotation"]}')
        kind = shape['type'].removesuffix('labels')
        scale = np.array([picture.width, picture.height]) / 100
        try:
            if kind == 'brush':
                mask = encode_mask(decode_brush(value.get('rle'), picture.height, picture.width))
                return mask_box(mask), mask
            points = value.get('points') if kind == 'polygon' else _corners(value, picture)
            if not isinstance(points, list) or not all(is_finite_number(v) for point in points for v in point):
                raise ValueError(f'its numbers are {shown(value)}')
            pixels = np.array(points, dtype=float) * scale
        except (TypeError, ValueError) as error:
            report.fail(f'damaged {kind}', file, f'{where}: {error}')
        box = [*pixels.min(axis=0).tolist(), *pixels.max(axis=0).tolist()]
        if kind == 'polygon':
            return box, [pixels.reshape(-1).tolist()]
        if value.get('rotation'):
            report.note('rotated rectangle', file, where, 'the box around it is taken')
        return box, None


def _is_part(shape: dict, shapes: dict[str, dict]) -> bool:
    """Say whether a shape is a polygon or brush mask that lies, as a child, in a rectangle."""
    parent = shapes.get(shape.get('parentID'))
    return parent is not None and parent['type'].startswith('rectangle') and not shape['type'].startswith('rectangle')


def _result_of(task: dict) -> list:
    """Return the result of the first annotation that was not cancelled, or else of the first prediction."""
    kept = [a for a in task.get('annotations') or () if isinstance(a, dict) and not a.get('was_cancelled')]
    for source in (*kept, *(task.get('predictions') or ())):
        return [entry for entry in source.get('result') or () if isinstance(entry, dict)]
    return []


def _corners(value: dict, picture: Picture) -> list[list[float]]:
    """Return the corners of a rectangle in percent; it is rotated about its first corner, clockwise, in pixels."""
    x, y, w, h = (value[key] for key in ('x', 'y', 'width', 'height'))
    turn = np.deg2rad(value.get('rotation') or 0)
    if turn == 0:
        return [[x, y], [x + w, y + h]]
    aspect = picture.height / picture.width
    cos, sin = np.cos(turn), np.sin(turn)
    sides = [(0, 0), (w, 0), (w, h), (0, h)]
    return [[x + a * cos - b * aspect * sin, y + a * sin / aspect + b * cos] for a, b in sides]


def find_image(text: Any, folder: Path) -> Any:
    """Return the path of a task's image below ``folder``: the first way to read ``text`` that is a file there.

    Example:
        >>> find_image('/data/local-files/?d=shelf/a%20b.jpg', Path('nowhere'))
        'shelf/a b.jpg'
    """
    if not isinstance(text, str):
        return text
    url = urlparse(text)
    path = unquote(parse_qs(url.query).get('d', [url.path])[0]).lstrip('/')
    base = path.rsplit('/', 1)[-1]
    candidates = [path, base, _UPLOAD_PREFIX.sub('', base)]
    if url.scheme or path.startswith('data/upload/'):
        candidates = candidates[1:]
    return next((name for name in candidates if name and (folder / name).is_file()), candidates[0])
