"""PhraseCut: phrases about Visual Genome images that mean one or several regions."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmvg.checks import check_choice
from mmvg.datasets.coco_instances import CocoInstances
from mmvg.datasets.load_report import DataError, LoadReport
from mmvg.datasets.phrasecut_lmdb import PhraseCutLMDB
from mmvg.datasets.phrasecut_raster import draw_polygons
from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.datasets.refs import Ref, as_id, is_usable_text
from mmvg.datasets.safe_reading import read_json
from mmvg.datasets.segmentations import MAX_COORDINATE
from mmvg.datasets.targets import TargetReader
from mmvg.masks import encode_mask
from mmvg.registry import DATASETS

#: split -> (phrases, images) of the released files; the paper's val includes miniv, the file does not.
RELEASED_COUNTS = {
    'train': (310816, 71746),
    'val': (19495, 2871),
    'miniv': (821, 100),
    'val_miniv': (20316, 2971),
    'test': (14354, 2545),
}
IMAGE_FILES = ('image_data_split3000.json', 'image_data_split.json')
_TASK_KEYS = ('task_id', 'image_id', 'phrase', 'instance_boxes', 'Polygons')


@DATASETS.register_module()
class PhraseCutDataset(ReferringDataset):
    """PhraseCut (arXiv:2008.01187): an item per task, which is a phrase and the regions that it means, never none.

    Reads ``refer_<split>.json`` and ``image_data_split3000.json`` (or ``image_data_split.json``, as the authors'
    downloader calls it). For the items see :class:`ReferringDataset`; they have two more keys, ``task_id`` and
    ``phrase_structure``, and masks are RLE of the pixels that the authors' scorer draws, see :func:`draw_polygons`. The
    file has no numbers for tasks: ``ref_id`` and ``sent_id`` are the position of the task.

    Args:
        split: ``'train'``, ``'val'``, ``'test'``, ``'miniv'``, or ``'val_miniv'`` for the two together, which is what
            the paper calls val.
        data_root: Folder that the other paths are relative to.
        ann_file: The tasks; the default is ``VGPhraseCut_v0/refer_<split>.json``. Not for ``'val_miniv'``.
        images_file: Sizes of the images; the default is a file below ``VGPhraseCut_v0`` as named above.
        img_prefix: Folder of the images ``<image_id>.jpg``, both parts of Visual Genome in one.
        lmdb_file: What ``tools/data.py pack`` made of this split, which is read in place of all other files; items then
            have the file of the image as ``img_bytes``. Needs the package ``lmdb``.
        clip_to: Boxes are clipped to ``'edge'``, [0, w] and [0, h], or to ``'last_pixel'``, [0, w - 1] and [0, h - 1].
        mode: ``'strict'`` or ``'tolerant'``, see :class:`ReferringDataset`.
        check_counts: Whether to compare the split with the released sizes; off for subsets.
        check_images: Whether to look for every image file while loading.
        pipeline: Transforms.
        test_mode: As in :class:`mmengine.dataset.BaseDataset`, like the rest.
        lazy_init: Whether to read the files later.
        serialize_data: Whether to keep the items as bytes that the workers share.
        indices: Use only the first so many items, or these.
        max_refetch: How many unusable training samples in a row are replaced by others.
    """

    def __init__(
        self,
        split: str,
        data_root: str = 'data',
        ann_file: str | None = None,
        images_file: str | None = None,
        img_prefix: str = 'VGPhraseCut_v0/images',
        lmdb_file: str | None = None,
        clip_to: str = 'edge',
        mode: str = 'strict',
        check_counts: bool = False,
        check_images: bool = False,
        pipeline: Sequence[dict | Callable] = (),
        test_mode: bool = False,
        lazy_init: bool = False,
        serialize_data: bool = True,
        indices: int | Sequence[int] | None = None,
        max_refetch: int = 100,
    ) -> None:
        check_choice('split', split, tuple(RELEASED_COUNTS))
        if ann_file and split == 'val_miniv':
            raise ValueError("split 'val_miniv' reads two files: give no ann_file")
        if lmdb_file and (ann_file or images_file):
            raise ValueError('lmdb_file holds annotations and images: give no ann_file and no images_file')
        root = Path(data_root)
        self.packed = PhraseCutLMDB(root / lmdb_file) if lmdb_file else None
        parts = ('val', 'miniv') if split == 'val_miniv' else (split,)
        self.task_files = [root / (ann_file or f'VGPhraseCut_v0/refer_{part}.json') for part in parts]
        self.images_file = root / images_file if images_file else _default_images_file(root / 'VGPhraseCut_v0')
        self.clip_to = check_choice('clip_to', clip_to, ('edge', 'last_pixel'))
        self.check_counts = check_counts
        super().__init__(
            name='phrasecut',
            data_root=data_root,
            img_prefix=img_prefix,
            split=split,
            sentence_mode='all',
            mode=mode,
            check_images=check_images,
            pipeline=pipeline,
            test_mode=test_mode,
            lazy_init=lazy_init,
            serialize_data=serialize_data,
            indices=indices,
            max_refetch=max_refetch,
        )

    def required_files(self) -> list[Path]:
        return [*self.task_files, self.images_file]

    def _require_data(self) -> None:
        if self.packed is None:
            super()._require_data()
        elif not self.packed.path.is_file():
            raise FileNotFoundError(
                f'{self.packed.path} is not there; make it with `mmvg data pack {self.root} --split {self.split}`, or '
                'give no lmdb_file to read the original files'
            )

    def load_data_list(self) -> list[dict]:
        """Read the files; called by :meth:`full_init`."""
        refs: list[Ref] = []
        annotations: list[dict] = []
        seen: set[str] = set()
        if self.packed is None:
            sources = {file: read_json(file, list) for file in self.task_files}
            images_file, images = self.images_file, read_json(self.images_file, list)
        else:
            images_file = self.packed.path
            sources = {images_file: self.packed.tasks(self.split)}
            images = _images_of_tasks(sources[images_file])
        for file, tasks in sources.items():
            for task in tasks:
                ref = _read_task(task, len(refs), len(annotations), seen, self.split, file, self.load_report)
                if ref is not None:
                    refs.append(ref)
                    annotations.extend(_annotations(ref))
        if self.check_counts:
            self._check_counts(refs)
        images = _read_images(images, images_file, self.load_report)
        coco = CocoInstances(images_file, images, annotations, self.load_report)
        file = ' and '.join(map(str, sources))
        targets = _PhraseCutTargets(file, coco, self.load_report, self.clip_to)
        return self.make_items(refs, coco, targets, file)

    def item_fields(self, ref: Ref) -> dict:
        return dict(task_id=ref.record['task_id'], phrase_structure=ref.record.get('phrase_structure'))

    def get_data_info(self, idx: int) -> dict:
        """The item ``idx``, its polygons drawn."""
        item = super().get_data_info(idx)
        for instance in item['instances']:
            instance['mask'] = encode_mask(draw_polygons(instance['mask'], item['height'], item['width']))
        if self.packed is not None:
            item['img_bytes'] = self.packed.image(item['img_id'])
        return item

    def _check_counts(self, refs: list[Ref]) -> None:
        found = (len(refs), len({ref.image_id for ref in refs}))
        for what, expected, count in zip(('phrases', 'images'), RELEASED_COUNTS[self.split], found, strict=True):
            if expected != count:
                raise DataError(
                    f'{self.task_files[0]}: split {self.split!r} has {count} {what}, the released file {expected}. '
                    'Get the original file, or drop check_counts if this is a subset.'
                )


class _PhraseCutTargets(TargetReader):
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
    """The points of a polygon cut to whole numbers, (P, 2), or what is wrong with it."""
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


def _default_images_file(folder: Path) -> Path:
    return next((folder / name for name in IMAGE_FILES if (folder / name).is_file()), folder / IMAGE_FILES[0])


def _images_of_tasks(tasks: list[dict]) -> list[dict]:
    """The images of packed tasks, as ``image_data_split3000.json`` has them."""
    sizes = {task['image_id']: task['image_size'] for task in tasks}
    return [dict(image_id=image_id, height=height, width=width) for image_id, (height, width) in sizes.items()]


def _read_images(records: list, file: Path, report: LoadReport) -> list[dict]:
    """The images in COCO's words; their files are ``<image_id>.jpg``."""
    images = []
    for position, image in enumerate(records):
        if not isinstance(image, dict) or 'image_id' not in image:
            report.fail('image without image_id', file, f'entry {position} is {image!r:.200}')
        image_id = as_id(image['image_id'], 'image_id', file, f'entry {position}', report)
        size = dict(height=image.get('height'), width=image.get('width'))
        images.append(dict(id=image_id, file_name=f'{image_id}.jpg', **size))
    return images


def _read_task(
    task: Any, position: int, first_instance: int, seen: set[str], split: str, file: Path, report: LoadReport
) -> Ref | None:
    """Check a task; its instances are numbered from ``first_instance``. None if it gives no sample."""
    if not isinstance(task, dict):
        report.fail('task that is not a dict', file, f'a task after {position} others is a {type(task).__name__}')
    where = f'task_id {task.get("task_id")!r}'
    for key in _TASK_KEYS:
        if key not in task:
            hint = '; refer_input_*.json has no ground truth, take refer_*.json' if key == 'Polygons' else ''
            report.fail(f'task without {key}', file, f'{where} has only {sorted(task)}{hint}')
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
        report.drop('boxes and polygons that are not as many', file, f'{where}: {sizes[0]} and {sizes[1]}')
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
    """The instances of a task in COCO's words."""
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
