"""Tasks of PhraseCut as refs and annotations, and masks of their polygons as PhraseCut's own scorer draws them."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from mmvg.datasets.readers.coco_instances import CocoInstances
from mmvg.datasets.readers.load_report import LoadReport
from mmvg.datasets.readers.refs import Ref, as_id, is_usable_text
from mmvg.datasets.readers.segmentations import MAX_COORDINATE
from mmvg.datasets.readers.targets import TargetReader
from mmvg.foreign_files import shown

_TASK_KEYS = ('task_id', 'image_id', 'phrase', 'instance_boxes', 'Polygons')


def draw_polygons(polygons: Iterable[Sequence[float]], height: int, width: int) -> np.ndarray:
    """Draw the union of flat polygons ``[x0, y0, x1, y1, ...]`` into a mask (H, W) bool.

    Coordinates are cut to whole numbers, and the outline belongs to the mask: up to a pixel more at the right and lower
    border than pycocotools fills. Two points make a line, one point makes nothing.
    """
    canvas = Image.new('L', (width, height), 0)
    draw = ImageDraw.Draw(canvas)
    for polygon in polygons:
        if len(polygon) >= 4:
            draw.polygon([int(value) for value in polygon], outline=1, fill=1)
    return np.array(canvas, dtype=bool)


class PhraseCutTargetReader(TargetReader):
    """Reads polygons as PhraseCut writes them, lists of points, to flat lists of whole numbers."""

    def __init__(self, file: str, coco: CocoInstances, report: LoadReport, clip_to: str) -> None:
        super().__init__(coco, report, crowd='keep', clip_to=clip_to, with_mask=True)
        self.file = file

    def where(self, annotation: dict, image_id: int) -> str:
        return annotation['where']

    def _read_mask(self, segmentation: Any, height: int, width: int, where: str) -> list[list[int]] | None:
        file, report = self.file, self.report
        good, inside = [], False
        for position, polygon in enumerate(segmentation if isinstance(segmentation, list) else ()):
            points, problem = _checked_points(polygon, height, width)
            if points is None:
                what = f'{where}: polygon {position} {problem}'
                report.problem('damaged polygon', file, what, 'that polygon is left out')
                continue
            low, high = points.min(axis=0), points.max(axis=0)
            inside = inside or bool((high >= 0).all() and (low < (width, height)).all())
            good.append(points.ravel().tolist())
        if not good:
            report.problem('empty segmentation', file, f'{where}: no usable polygon', 'the target is left out')
            return None
        if not inside:
            report.problem('mask without a pixel in the image', file, where, 'kept, its IoU is 0')
        return good


def _checked_points(polygon: Any, height: int, width: int) -> tuple[np.ndarray | None, str]:
    """Cut the points of a polygon to whole numbers, (P, 2), or say what is wrong with it."""
    try:
        points = np.array(polygon)
    except ValueError:  # lists of unequal length
        return None, 'is not a list of points [x, y]'
    if points.ndim != 2 or points.shape[1] != 2 or points.dtype.kind not in 'iuf':
        return None, 'is not a list of points [x, y]'
    if len(points) < 2:
        return None, 'has fewer than two points'
    if not np.isfinite(points).all():
        return None, 'has a NaN or infinite coordinate'
    if np.abs(points).max() > MAX_COORDINATE * max(height, width):
        return None, f'has the coordinate {np.abs(points).max():g} in an image of {width}x{height}'
    return np.trunc(points).astype(np.int64), ''


def images_of_tasks(tasks: list[dict]) -> list[dict]:
    """Collect the images of packed tasks, as ``image_data_split3000.json`` has them."""
    images = {}
    for task in tasks:
        image_id, size = task.get('image_id'), task.get('image_size')
        height, width = size if isinstance(size, list) and len(size) == 2 else (None, None)
        images[str(image_id)] = dict(image_id=image_id, height=height, width=width)
    return list(images.values())


def read_images(records: list, file: Path, report: LoadReport) -> list[dict]:
    """Turn images into COCO's words; their files are ``<image_id>.jpg``."""
    images = []
    for position, image in enumerate(records):
        if not isinstance(image, dict) or 'image_id' not in image:
            report.fail('image without image_id', file, f'entry {position} is {shown(image)}')
        image_id = as_id(image['image_id'], 'image_id', file, f'entry {position}', report)
        size = dict(height=image.get('height'), width=image.get('width'))
        images.append(dict(id=image_id, file_name=f'{image_id}.jpg', **size))
    return images


def read_tasks(tasks: Mapping[Path, list], split: str, report: LoadReport) -> tuple[list[Ref], list[dict]]:
    """Turn the tasks of one or several files into refs and the annotations that they mean, numbered from 0.

    Raises:
        DataError: If a task cannot be used.
    """
    refs: list[Ref] = []
    annotations: list[dict] = []
    seen: set[str] = set()
    for file, records in tasks.items():
        for task in records:
            ref = _read_task(task, len(refs), len(annotations), seen, split, file, report)
            if ref is not None:
                refs.append(ref)
                annotations.extend(_annotations(ref))
    return refs, annotations


def _read_task(
    task: Any, position: int, first_instance: int, seen: set[str], split: str, file: Path, report: LoadReport
) -> Ref | None:
    """Check a task; its instances are numbered from ``first_instance``. None if it gives no sample."""
    if not isinstance(task, dict):
        report.fail('task that is not a dict', file, f'a task after {position} others is a {type(task).__name__}')
    where = f'task_id {shown(task.get("task_id"))}'
    for key in _TASK_KEYS:
        if key not in task:
            hint = '; refer_input_*.json has no ground truth, take refer_*.json' if key == 'Polygons' else ''
            report.fail(f'task without {key}', file, f'{where} has only {shown(list(task))}{hint}')
    image_id = as_id(task['image_id'], 'image_id', file, where, report)
    if not isinstance(task['task_id'], str) or task['task_id'].split('__')[0] != str(image_id):
        report.fail('task_id that does not start with the image_id', file, f'{where}, image_id {image_id}')
    if task['task_id'] in seen:
        report.drop('duplicate task_id', file, where, 'the first is kept')
        return None
    seen.add(task['task_id'])
    boxes, polygons = task['instance_boxes'], task['Polygons']
    if not isinstance(boxes, list) or not isinstance(polygons, list) or len(boxes) != len(polygons) or not boxes:
        sizes = [len(field) if isinstance(field, list) else field for field in (boxes, polygons)]
        report.drop(
            'boxes and polygons that are not as many', file, f'{where}: {shown(sizes[0])} and {shown(sizes[1])}'
        )
        return None
    if not isinstance(task.get('phrase_structure'), dict):
        report.problem('task without phrase_structure', file, where, 'it counts in no subset of phrases')
    if not is_usable_text(task['phrase'], file, where, report):
        return None
    return Ref(
        ref_id=position,
        image_id=image_id,
        ann_ids=tuple(range(first_instance, first_instance + len(boxes))),
        split=split,
        sentences=[dict(sent_id=position, text=task['phrase'])],
        record=task,
    )


def _annotations(ref: Ref) -> list[dict]:
    """Turn the instances of a task into COCO's words."""
    fields = zip(ref.ann_ids, ref.record['instance_boxes'], ref.record['Polygons'], strict=True)
    return [
        dict(
            id=ann_id,
            image_id=ref.image_id,
            bbox=box,
            segmentation=polygons,
            where=f'task_id {ref.record["task_id"]!r}, instance {number}',
        )
        for number, (ann_id, box, polygons) in enumerate(fields)
    ]
