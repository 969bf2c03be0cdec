"""gRefCOCO: expressions that mean one, several or no object."""

from pathlib import Path
from typing import Any

from mmvg.checks import check_choice
from mmvg.datasets.readers import (
    CocoInstances,
    DataError,
    Ref,
    add_kinds,
    first_existing,
    read_coco_instances,
    read_grec_file,
    read_records,
    read_refs_file,
    real_target_ids,
)
from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.registry import DATASETS

#: Expressions of all splits in the released file; the papers count 278,232, of which some were held back.
RELEASED_EXPRESSIONS = 259859


@DATASETS.register_module()
class GRefCOCODataset(ReferringDataset):
    """gRefCOCO (arXiv:2306.00968), read as for segmentation (GRES) or as for detection (GREC, arXiv:2308.16182).

    ``'gres'`` reads ``grefs(unc).json``, or the pickle ``grefs(unc).p`` if there is one, and ``instances.json``.
    ``'grec'`` reads ``finetune_grefcoco_<split>.json``, which the authors' converter writes: an image entry per
    sentence, whose id is ref_id and sent_id here; masks come from ``instances.json``. For the items see
    :class:`ReferringDataset`.

    Args:
        split: ``'train'``, ``'val'``, ``'testA'`` or ``'testB'``, by equality.
        reading: ``'gres'`` or ``'grec'``.
        ann_file: The default is a file below ``grefcoco`` as named above.
        instances_file: The default is ``grefcoco/instances.json``.
        img_prefix: Folder of the COCO train2014 images.
        text_field: ``'raw'``, as typed by the annotator (default of the GRES reading), or ``'sent'``, lower case
            without punctuation (the only one in the GREC file).
        crowd: ``'drop'`` leaves ``iscrowd = 1`` out of the targets (default of the GRES reading), ``'keep'`` does not
            (default of the GREC reading).
        with_mask: Whether items have masks; None: those that have one. Off, the GREC reading needs no
            ``instances.json``.
        clip_to: Boxes are clipped to ``'edge'``, [0, w] and [0, h], or to ``'last_pixel'``, [0, w - 1] and [0, h - 1],
            as InstanceVG does.
        check_counts: Whether to compare the file with the released size; off for subsets. GRES reading only.
        common: Arguments of all datasets, see :class:`ReferringDataset`.

    Example:
        >>> dataset = GRefCOCODataset('val', data_root='data/refshapes')
        >>> [(dataset[i]['text'], len(dataset[i]['instances'])) for i in (1, 2, 3)]
        [('the left disc', 1), ('small yellow disc.', 0), ('both yellow rings.', 2)]
    """

    def __init__(
        self,
        split: str,
        reading: str = 'gres',
        *,
        ann_file: str | None = None,
        instances_file: str | None = None,
        img_prefix: str = 'images/train2014',
        text_field: str | None = None,
        crowd: str | None = None,
        with_mask: bool | None = True,
        clip_to: str = 'edge',
        check_counts: bool = False,
        **common: Any,
    ) -> None:
        gres = check_choice('reading', reading, ('gres', 'grec')) == 'gres'
        text_fields = ('raw', 'sent') if gres else ('sent',)
        self.text_field = check_choice('text_field', text_field or text_fields[0], text_fields)
        if check_counts and not gres:
            raise ValueError('check_counts is for the GRES reading: the GREC file holds one split')
        self.reading = reading
        self.lists_all_objects = gres
        self.crowd = check_choice('crowd', crowd or ('drop' if gres else 'keep'), ('drop', 'keep'))
        self.with_mask = with_mask
        self.clip_to = check_choice('clip_to', clip_to, ('edge', 'last_pixel'))
        self.check_counts = check_counts
        grefs = ('grefcoco/grefs(unc).p', 'grefcoco/grefs(unc).json')
        files = dict(refs=ann_file or (grefs if gres else f'grefcoco/finetune_grefcoco_{split}.json'))
        if with_mask is not False or gres:
            files['instances'] = instances_file or 'grefcoco/instances.json'
        super().__init__('grefcoco', split, files, img_prefix, **common)

    def read_annotations(self) -> tuple[list[Ref], CocoInstances]:
        file, report = self.files['refs'], self.load_report
        coco = read_coco_instances(self.files['instances'], report) if 'instances' in self.files else None
        if self.reading == 'grec':
            coco, refs = read_grec_file(file, self.split, coco, report)
            return refs, coco
        refs = read_refs_file(file, self.split, self.text_field, report)
        if self.check_counts:
            self._check_counts()
        for ref in refs:
            ref.ann_ids = real_target_ids(ref, file, report)
        add_kinds(refs, file)
        return refs, coco

    def _check_counts(self) -> None:
        file = self.files['refs']
        found = sum(len(record.get('sentences') or ()) for record in read_records(file))
        if found != RELEASED_EXPRESSIONS:
            raise DataError(
                f'{file} has {found} expressions, the released file {RELEASED_EXPRESSIONS}. '
                'Get the original file, or drop check_counts if this is a subset.'
            )


def splits_of_grefs(folder: Path) -> list[str]:
    """Return the splits of the refs in a folder, in their order.

    Args:
        folder: The data root, or the folder of the files.

    Raises:
        DataError: If the file of refs is damaged, or a ref names no split.
        FileNotFoundError: If it is not there.
    """
    files = [first_existing(place, ('grefs(unc).p', 'grefs(unc).json')) for place in (folder, folder / 'grefcoco')]
    file = next((file for file in files if file.is_file()), files[-1])
    if not file.is_file():
        raise FileNotFoundError(f'{file} is not there; data/README.md shows which file goes where')
    records = read_records(file)
    if not all(isinstance(record, dict) and isinstance(record.get('split'), str) for record in records):
        raise DataError(f'{file} holds an entry that is no ref with the name of a split')
    return list(dict.fromkeys(record['split'] for record in records))
