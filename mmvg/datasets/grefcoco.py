"""gRefCOCO: expressions that mean one, several or no object."""

from collections.abc import Callable, Sequence
from pathlib import Path

from mmvg.checks import check_choice
from mmvg.datasets.coco_instances import read_coco_instances
from mmvg.datasets.grec_file import read_grec_file
from mmvg.datasets.load_report import DataError, LoadReport
from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.datasets.refs import Ref, read_refs, select_split
from mmvg.datasets.safe_reading import read_json, read_pickle
from mmvg.datasets.targets import TargetReader
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
        data_root: Folder that the other paths are relative to.
        ann_file: The default is a file below ``grefcoco`` as named above.
        instances_file: The default is ``grefcoco/instances.json``.
        img_prefix: Folder of the COCO train2014 images.
        sentence_mode: ``'all'``: an item per sentence; ``'random'``: an item per ref, with one sentence drawn at each
            access (training only; no code base does it on gRefCOCO).
        text_field: ``'raw'``, as typed by the annotator (default of the GRES reading), or ``'sent'``, lower case
            without punctuation (the only one in the GREC file).
        crowd: ``'drop'`` leaves ``iscrowd = 1`` out of the targets (default of the GRES reading), ``'keep'`` does not
            (default of the GREC reading).
        with_mask: Whether items have masks; off, the GREC reading needs no ``instances.json``.
        clip_to: Boxes are clipped to ``'edge'``, [0, w] and [0, h], or to ``'last_pixel'``, [0, w - 1] and [0, h - 1],
            as InstanceVG does.
        mode: ``'strict'`` or ``'tolerant'``, see :class:`ReferringDataset`.
        check_counts: Whether to compare the file with the released size; off for subsets. GRES reading only.
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
        reading: str = 'gres',
        data_root: str = 'data',
        ann_file: str | None = None,
        instances_file: str | None = None,
        img_prefix: str = 'images/train2014',
        sentence_mode: str = 'all',
        text_field: str | None = None,
        crowd: str | None = None,
        with_mask: bool = True,
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
        gres = check_choice('reading', reading, ('gres', 'grec')) == 'gres'
        text_fields = ('raw', 'sent') if gres else ('sent',)
        self.text_field = check_choice('text_field', text_field or text_fields[0], text_fields)
        if check_counts and not gres:
            raise ValueError('check_counts is for the GRES reading: the GREC file holds one split')
        self.reading = reading
        self.refs_file = Path(data_root) / (ann_file or _default_ann_file(Path(data_root), reading, split))
        needs_instances = with_mask or gres
        self.instances_file = (
            Path(data_root) / (instances_file or 'grefcoco/instances.json') if needs_instances else None
        )
        self.crowd = check_choice('crowd', crowd or ('drop' if gres else 'keep'), ('drop', 'keep'))
        self.with_mask = with_mask
        self.clip_to = check_choice('clip_to', clip_to, ('edge', 'last_pixel'))
        self.check_counts = check_counts
        super().__init__(
            name='grefcoco',
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
        return [self.refs_file, self.instances_file] if self.instances_file else [self.refs_file]

    def load_data_list(self) -> list[dict]:
        """Read the files; called by :meth:`full_init`."""
        coco = read_coco_instances(self.instances_file, self.load_report) if self.instances_file else None
        if self.reading == 'gres':
            refs = self._read_grefs(self.refs_file)
        else:
            coco, refs = read_grec_file(self.refs_file, self.split, coco, self.load_report)
        targets = TargetReader(coco, self.load_report, self.crowd, self.clip_to, self.with_mask)
        return self.make_items(refs, coco, targets, self.refs_file)

    def _read_grefs(self, file: Path) -> list[Ref]:
        records = read_pickle(file, list) if file.suffix == '.p' else read_json(file, list)
        selected = select_split(records, self.split, file)
        if self.check_counts:
            found = sum(len(record.get('sentences') or ()) for record in records)
            if found != RELEASED_EXPRESSIONS:
                raise DataError(
                    f'{file} has {found} expressions, the released file {RELEASED_EXPRESSIONS}. '
                    'Get the original file, or drop check_counts if this is a subset.'
                )
        refs = read_refs(selected, self.text_field, file, self.load_report)
        for ref in refs:
            ref.ann_ids = _real_ids(ref, file, self.load_report)
        return refs


def _default_ann_file(root: Path, reading: str, split: str) -> str:
    if reading == 'grec':
        return f'grefcoco/finetune_grefcoco_{split}.json'
    pickled = 'grefcoco/grefs(unc).p'
    return pickled if (root / pickled).is_file() else 'grefcoco/grefs(unc).json'


def _real_ids(ref: Ref, file: Path, report: LoadReport) -> tuple[int, ...]:
    """``ann_ids`` with ``(-1,)`` turned into ``()``; the ids, not the flag ``no_target``, decide what it is.

    Raises:
        DataError: If -1 stands beside other ids, or there is no id at all.
    """
    where = f'ref_id {ref.ref_id} has ann_id {list(ref.ann_ids)}'
    no_target = ref.ann_ids == (-1,)
    if not no_target and (not ref.ann_ids or -1 in ref.ann_ids):
        report.fail('-1 beside real ids' if ref.ann_ids else 'empty list of ids ([-1] means no target)', file, where)
    flag = ref.record.get('no_target', no_target)
    if flag != no_target:
        report.problem('no_target that contradicts ann_id', file, f'{where}, no_target {flag!r}', 'ann_id decides')
    return () if no_target else ref.ann_ids
