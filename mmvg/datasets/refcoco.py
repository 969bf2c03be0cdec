"""RefCOCO, RefCOCO+ and RefCOCOg."""

from collections.abc import Callable, Sequence
from pathlib import Path

from mmvg.checks import check_choice
from mmvg.datasets.coco_instances import read_coco_instances
from mmvg.datasets.load_report import DataError
from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.datasets.refs import Ref, read_refs, select_split
from mmvg.datasets.safe_reading import read_pickle
from mmvg.datasets.targets import TargetReader
from mmvg.registry import DATASETS

#: (dataset, split_by) -> split -> (refs, expressions, images), None where nobody has printed a number.
RELEASED_COUNTS = {
    ('refcoco', 'unc'): {
        'train': (42404, 120624, 16994),
        'val': (3811, 10834, 1500),
        'testA': (1975, 5657, 750),
        'testB': (1810, 5095, 750),
    },
    ('refcoco', 'google'): {
        'train': (40000, None, 19213),
        'val': (5000, None, 4559),
        'test': (5000, None, 4527),
    },
    ('refcoco+', 'unc'): {
        'train': (42278, 120191, 16992),
        'val': (3805, 10758, 1500),
        'testA': (1975, 5726, 750),
        'testB': (1798, 4889, 750),
    },
    ('refcocog', 'umd'): {
        'train': (42226, 80512, 21899),
        'val': (2573, 4896, 1300),
        'test': (5023, 9602, 2600),
    },
    ('refcocog', 'google'): {
        'train': (44822, 85474, 24698),
        'val': (5000, 9536, 4650),
    },
}


@DATASETS.register_module()
class RefCOCODataset(ReferringDataset):
    """RefCOCO, RefCOCO+ (arXiv:1608.00272) and RefCOCOg (arXiv:1511.02283): one target per expression.

    Reads ``refs(<split_by>).p``, with an unpickler that builds nothing but plain data, and ``instances.json``. The box
    is the annotation's, the mask the union of its polygons. For the items see :class:`ReferringDataset`.

    Args:
        dataset: ``'refcoco'``, ``'refcoco+'`` or ``'refcocog'``: the folder below ``data_root``, and the ``dataset``
            of every item.
        split: ``'train'``, ``'val'``, ``'testA'``, ``'testB'`` (unc) or ``'test'`` (umd, google), by equality.
        split_by: Who drew the splits: ``'unc'``, ``'google'``, ``'umd'``; the default is umd for RefCOCOg, else unc.
        data_root: Folder that the other paths are relative to.
        ann_file: The refs pickle; the default is ``<dataset>/refs(<split_by>).p``.
        instances_file: The default is ``<dataset>/instances.json``.
        img_prefix: Folder of the COCO train2014 images.
        sentence_mode: ``'all'``: an item per sentence; ``'random'``: an item per ref, with one sentence drawn at each
            access (training only).
        text_field: ``'raw'``, as typed by the annotator, or ``'sent'``, lower case without punctuation.
        clip_to: Boxes are clipped to ``'edge'``, [0, w] and [0, h], or to ``'last_pixel'``, [0, w - 1] and [0, h - 1],
            as SeqTR and InstanceVG do.
        mode: ``'strict'`` or ``'tolerant'``, see :class:`ReferringDataset`.
        check_counts: Whether to compare the split with the released sizes, refs first; off for subsets.
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
        dataset: str,
        split: str,
        split_by: str | None = None,
        data_root: str = 'data',
        ann_file: str | None = None,
        instances_file: str | None = None,
        img_prefix: str = 'images/train2014',
        sentence_mode: str = 'all',
        text_field: str = 'raw',
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
        check_choice('dataset', dataset, ('refcoco', 'refcoco+', 'refcocog'))
        self.split_by = split_by or ('umd' if dataset == 'refcocog' else 'unc')
        self.refs_file = Path(data_root) / (ann_file or f'{dataset}/refs({self.split_by}).p')
        self.instances_file = Path(data_root) / (instances_file or f'{dataset}/instances.json')
        self.text_field = check_choice('text_field', text_field, ('raw', 'sent'))
        self.clip_to = check_choice('clip_to', clip_to, ('edge', 'last_pixel'))
        self.check_counts = check_counts
        super().__init__(
            name=dataset,
            data_root=data_root,
            img_prefix=img_prefix,
            split=split,
            sentence_mode=sentence_mode,
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
        return [self.refs_file, self.instances_file]

    def load_data_list(self) -> list[dict]:
        """Read both files; called by :meth:`full_init`."""
        records = select_split(read_pickle(self.refs_file, list), self.split, self.refs_file)
        refs = read_refs(records, self.text_field, self.refs_file, self.load_report)
        if self.check_counts:
            self._check_counts(refs)
        for ref in refs:
            if len(ref.ann_ids) != 1 or ref.ann_ids[0] < 0:
                where = f'ref_id {ref.ref_id} has ann_id {list(ref.ann_ids)}'
                self.load_report.fail('ref that has not exactly one target', self.refs_file, where)
        coco = read_coco_instances(self.instances_file, self.load_report)
        targets = TargetReader(coco, self.load_report, crowd='keep', clip_to=self.clip_to, with_mask=True)
        return self.make_items(refs, coco, targets, self.refs_file)

    def _check_counts(self, refs: list[Ref]) -> None:
        released = RELEASED_COUNTS.get((self.name, self.split_by), {}).get(self.split)
        if released is None:
            raise DataError(f'no released size is known of {self.name} {self.split_by} {self.split}: drop check_counts')
        found = (len(refs), sum(len(ref.sentences) for ref in refs), len({ref.image_id for ref in refs}))
        for what, expected, count in zip(('refs', 'expressions', 'images'), released, found, strict=True):
            if expected not in (None, count):
                raise DataError(
                    f'{self.refs_file}: split {self.split!r} has {count} {what}, the released file {expected}. '
                    'Get the original file, or drop check_counts if this is a subset.'
                )
