"""PhraseCut: phrases about Visual Genome images that mean one or several regions."""

from pathlib import Path
from typing import Any

from mmvg.checks import check_choice
from mmvg.datasets.readers import (
    CocoInstances,
    DataError,
    PhraseCutLMDB,
    PhraseCutTargetReader,
    Ref,
    draw_polygons,
    images_of_tasks,
    read_images,
    read_json,
    read_tasks,
)
from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.masks import encode_mask
from mmvg.registry import DATASETS

FOLDER = 'VGPhraseCut_v0'
#: split -> (phrases, images) of the released files; the paper's val includes miniv, the file does not.
RELEASED_COUNTS = {
    'train': (310816, 71746),
    'val': (19495, 2871),
    'miniv': (821, 100),
    'val_miniv': (20316, 2971),
    'test': (14354, 2545),
}
IMAGE_FILES = ('image_data_split3000.json', 'image_data_split.json')


@DATASETS.register_module()
class PhraseCutDataset(ReferringDataset):
    """PhraseCut (arXiv:2008.01187): an item per task, which is a phrase and the regions that it means, never none.

    Reads ``refer_<split>.json`` and ``image_data_split3000.json`` (or ``image_data_split.json``, as the authors'
    downloader calls it). For the items see :class:`ReferringDataset`; they have two more keys, ``task_id`` and
    ``phrase_structure``, and masks are RLE of the pixels that the authors' scorer draws, see
    :func:`mmvg.datasets.readers.draw_polygons`. The file has no numbers for tasks: ``ref_id`` and ``sent_id`` are the
    position of the task.

    Args:
        split: ``'train'``, ``'val'``, ``'test'``, ``'miniv'``, or ``'val_miniv'`` for the two together, which is what
            the paper calls val.
        ann_file: The tasks; the default is ``VGPhraseCut_v0/refer_<split>.json``. Not for ``'val_miniv'``.
        images_file: Sizes of the images; the default is a file below ``VGPhraseCut_v0`` as named above.
        img_prefix: Folder of the images ``<image_id>.jpg``, both parts of Visual Genome in one.
        lmdb_file: What ``tools/data.py pack`` made of this split, which is read in place of all other files; items then
            have the file of the image as ``img_bytes``. Needs the package ``lmdb``.
        clip_to: Boxes are clipped to ``'edge'``, [0, w] and [0, h], or to ``'last_pixel'``, [0, w - 1] and [0, h - 1].
        check_counts: Whether to compare the split with the released sizes; off for subsets.
        common: Arguments of all datasets, see :class:`ReferringDataset`.

    Example:
        >>> dataset = PhraseCutDataset('test', data_root='data/refshapes')
        >>> [(dataset[i]['task_id'], dataset[i]['text'], len(dataset[i]['instances'])) for i in (0, 1)]
        [('425__254', 'small pan', 1), ('425__255_256', 'triangle', 2)]
    """

    def __init__(
        self,
        split: str,
        *,
        ann_file: str | None = None,
        images_file: str | None = None,
        img_prefix: str = 'VGPhraseCut_v0/images',
        lmdb_file: str | None = None,
        clip_to: str = 'edge',
        check_counts: bool = False,
        **common: Any,
    ) -> None:
        check_choice('split', split, tuple(RELEASED_COUNTS))
        if ann_file and split == 'val_miniv':
            raise ValueError("split 'val_miniv' reads two files: give no ann_file")
        if lmdb_file and (ann_file or images_file):
            raise ValueError('lmdb_file holds annotations and images: give no ann_file and no images_file')
        self.clip_to = check_choice('clip_to', clip_to, ('edge', 'last_pixel'))
        self.check_counts = check_counts
        self.packed: PhraseCutLMDB | None = None
        if lmdb_file:
            files = dict(packed=lmdb_file)
        else:
            parts = ('val', 'miniv') if split == 'val_miniv' else (split,)
            files = {f'tasks of {part}': ann_file or f'{FOLDER}/refer_{part}.json' for part in parts}
            files['images'] = images_file or [f'{FOLDER}/{name}' for name in (*IMAGE_FILES, IMAGE_FILES[0])]
        super().__init__('phrasecut', split, files, img_prefix, **common)

    @property
    def task_files(self) -> list[Path]:
        """The files of tasks, or the packed file."""
        return [file for role, file in self.files.items() if role != 'images']

    @property
    def is_packed(self) -> bool:
        return 'packed' in self.files or super().is_packed

    def packed_picture(self, item: dict) -> bytes:
        return super().packed_picture(item) if self.packed is None else self.packed.image(item['img_id'])

    def _require_data(self) -> None:
        packed = self.files.get('packed')
        if packed is None:
            super()._require_data()
        elif not packed.is_file():
            raise FileNotFoundError(
                f'{packed} is not there; make it with `mmvg data pack {self.root} --split {self.split}`, or give no '
                'lmdb_file to read the original files'
            )

    def target_reader(self, coco: CocoInstances) -> PhraseCutTargetReader:
        file = ' and '.join(map(str, self.task_files))
        return PhraseCutTargetReader(file, coco, self.load_report, self.clip_to)

    def read_annotations(self) -> tuple[list[Ref], CocoInstances]:
        report = self.load_report
        if 'packed' in self.files:
            images_file = self.files['packed']
            self.packed = PhraseCutLMDB(images_file)
            tasks = {images_file: self.packed.tasks(self.split)}
            images = images_of_tasks(tasks[images_file])
        else:
            images_file = self.files['images']
            tasks = {file: read_json(file, list) for file in self.task_files}
            images = read_json(images_file, list)
        refs, annotations = read_tasks(tasks, self.split, report)
        if self.check_counts:
            self._check_counts(refs)
        return refs, CocoInstances(images_file, read_images(images, images_file, report), annotations, report)

    def item_fields(self, ref: Ref) -> dict:
        return dict(task_id=ref.record['task_id'], phrase_structure=ref.record.get('phrase_structure'))

    def get_data_info(self, idx: int) -> dict:
        """Return the item ``idx``, its polygons drawn."""
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
