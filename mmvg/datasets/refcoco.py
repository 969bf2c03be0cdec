"""RefCOCO, RefCOCO+ and RefCOCOg."""

from typing import Any

from mmvg.checks import check_choice
from mmvg.datasets.readers import (
    CocoInstances,
    DataError,
    Ref,
    add_kinds,
    read_coco_instances,
    read_refs_file,
    require_one_target,
)
from mmvg.datasets.referring_dataset import ReferringDataset
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
        ann_file: The refs pickle; the default is ``<dataset>/refs(<split_by>).p``.
        instances_file: The default is ``<dataset>/instances.json``.
        img_prefix: Folder of the COCO train2014 images.
        text_field: ``'raw'``, as typed by the annotator, or ``'sent'``, lower case without punctuation.
        clip_to: Boxes are clipped to ``'edge'``, [0, w] and [0, h], or to ``'last_pixel'``, [0, w - 1] and [0, h - 1],
            as SeqTR and InstanceVG do.
        check_counts: Whether to compare the split with the released sizes, refs first; off for subsets.
        common: Arguments of all datasets, see :class:`ReferringDataset`.

    Example:
        >>> dataset = RefCOCODataset('refcoco', 'val', data_root='data/refshapes')
        >>> len(dataset), dataset[0]['text'], [round(side) for side in dataset[0]['instances'][0]['bbox']]
        (62, 'Ring below the dotted ring', [45, 111, 85, 151])
    """

    lists_all_objects = True

    def __init__(
        self,
        dataset: str,
        split: str,
        split_by: str | None = None,
        *,
        ann_file: str | None = None,
        instances_file: str | None = None,
        img_prefix: str = 'images/train2014',
        text_field: str = 'raw',
        clip_to: str = 'edge',
        check_counts: bool = False,
        **common: Any,
    ) -> None:
        check_choice('dataset', dataset, ('refcoco', 'refcoco+', 'refcocog'))
        self.split_by = split_by or ('umd' if dataset == 'refcocog' else 'unc')
        self.text_field = check_choice('text_field', text_field, ('raw', 'sent'))
        self.clip_to = check_choice('clip_to', clip_to, ('edge', 'last_pixel'))
        self.check_counts = check_counts
        files = dict(
            refs=ann_file or f'{dataset}/refs({self.split_by}).p',
            instances=instances_file or f'{dataset}/instances.json',
        )
        super().__init__(dataset, split, files, img_prefix, **common)

    def read_annotations(self) -> tuple[list[Ref], CocoInstances]:
        file, report = self.files['refs'], self.load_report
        refs = read_refs_file(file, self.split, self.text_field, report)
        if self.check_counts:
            self._check_counts(refs)
        for ref in refs:
            require_one_target(ref, file, report)
        add_kinds(refs, file)
        return refs, read_coco_instances(self.files['instances'], report)

    def _check_counts(self, refs: list[Ref]) -> None:
        released = RELEASED_COUNTS.get((self.name, self.split_by), {}).get(self.split)
        if released is None:
            raise DataError(f'no released size is known of {self.name} {self.split_by} {self.split}: drop check_counts')
        found = (len(refs), sum(len(ref.sentences) for ref in refs), len({ref.image_id for ref in refs}))
        for what, expected, count in zip(('refs', 'expressions', 'images'), released, found, strict=True):
            if expected not in (None, count):
                raise DataError(
                    f'{self.files["refs"]}: split {self.split!r} has {count} {what}, the released file {expected}. '
                    'Get the original file, or drop check_counts if this is a subset.'
                )
