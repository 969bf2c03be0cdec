"""R-RefCOCO, R-RefCOCO+ and R-RefCOCOg: RefCOCO with expressions that mean nothing in the image."""

from collections.abc import Callable, Sequence
from pathlib import Path

from mmvg.checks import check_choice
from mmvg.datasets.coco_instances import read_coco_instances
from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.datasets.refs import Ref, as_id, read_refs, select_split
from mmvg.datasets.safe_reading import read_pickle
from mmvg.datasets.targets import TargetReader
from mmvg.registry import DATASETS

RREFCOCO_NAMES = ('rrefcoco', 'rrefcoco+', 'rrefcocog')


@DATASETS.register_module()
class RRefDataset(ReferringDataset):
    """R-RefCOCO, R-RefCOCO+ and R-RefCOCOg (arXiv:2209.09554): refs with positive and negative sentences.

    Reads ``refs(<split_by>).p``, with an unpickler that builds nothing but plain data, and ``instances.json``. A
    sentence whose ``exist`` is false describes something that is not in the image: it has no target, and the box of its
    ref is not used. The items of a ref follow one another and share its ``ref_id``, by which mRR and rIoU are taken.
    For the items see :class:`ReferringDataset`; their sentences have one more key, ``exist``.

    Args:
        dataset: ``'rrefcoco'``, ``'rrefcoco+'`` or ``'rrefcocog'``: the folder below ``data_root``, and the ``dataset``
            of every item.
        split: ``'train'``, ``'val'`` (the only one that is scored), ... by equality.
        split_by: Name in the pickle's file name. The authors' default is unc, also for R-RefCOCOg; it may be ``'umd'``.
        data_root: Folder that the other paths are relative to.
        ann_file: The refs pickle; the default is ``<dataset>/refs(<split_by>).p``.
        instances_file: The default is ``<dataset>/instances.json``.
        img_prefix: Folder of the COCO train2014 images.
        sentence_mode: ``'all'``: an item per sentence; ``'random'``: an item per ref, with one sentence, positive or
            negative, drawn at each access (training only).
        text_field: ``'raw'``, as typed by the annotator, or ``'sent'``, lower case without punctuation.
        clip_to: Boxes are clipped to ``'edge'``, [0, w] and [0, h], or to ``'last_pixel'``, [0, w - 1] and [0, h - 1].
        mode: ``'strict'`` or ``'tolerant'``, see :class:`ReferringDataset`.
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
        split_by: str = 'unc',
        data_root: str = 'data',
        ann_file: str | None = None,
        instances_file: str | None = None,
        img_prefix: str = 'images/train2014',
        sentence_mode: str = 'all',
        text_field: str = 'raw',
        clip_to: str = 'edge',
        mode: str = 'strict',
        check_images: bool = False,
        pipeline: Sequence[dict | Callable] = (),
        test_mode: bool = False,
        lazy_init: bool = False,
        serialize_data: bool = True,
        indices: int | Sequence[int] | None = None,
        max_refetch: int = 100,
    ) -> None:
        check_choice('dataset', dataset, RREFCOCO_NAMES)
        self.refs_file = Path(data_root) / (ann_file or f'{dataset}/refs({split_by}).p')
        self.instances_file = Path(data_root) / (instances_file or f'{dataset}/instances.json')
        self.text_field = check_choice('text_field', text_field, ('raw', 'sent'))
        self.clip_to = check_choice('clip_to', clip_to, ('edge', 'last_pixel'))
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
        coco = read_coco_instances(self.instances_file, self.load_report)
        for ref in refs:
            if len(ref.ann_ids) != 1 or ref.ann_ids[0] < 0:
                where = f'ref_id {ref.ref_id} has ann_id {list(ref.ann_ids)}'
                self.load_report.fail('ref that has not exactly one target', self.refs_file, where)
            self._mark_negatives(ref)
            if ref.ann_ids[0] not in coco.annotations:
                self._leave_negatives(ref)
        targets = TargetReader(coco, self.load_report, crowd='keep', clip_to=self.clip_to, with_mask=True)
        return self.make_items(refs, coco, targets, self.refs_file)

    def _mark_negatives(self, ref: Ref) -> None:
        """Set ``exist`` of the sentences; one that does not say exists.

        Raises:
            DataError: If ``exist`` is not true, false, 1 or 0.
        """
        marks = {}
        for sentence in ref.record['sentences']:
            where = f'ref_id {ref.ref_id}, sent_id {sentence["sent_id"]}'
            exist = sentence.get('exist', True)
            if exist not in (True, False) or isinstance(exist, float):  # 1 and 0 equal them
                self.load_report.fail('exist that is neither true nor false', self.refs_file, f'{where}: {exist!r}')
            key = as_id(sentence['sent_id'], 'sent_id', self.refs_file, where, self.load_report)
            marks.setdefault(key, bool(exist))
        ref.sentences = [dict(sentence, exist=marks[sentence['sent_id']]) for sentence in ref.sentences]

    def _leave_negatives(self, ref: Ref) -> None:
        """Do without the positive sentences of a ref whose annotation is missing, as odd ones in the real files are."""
        kind, where = 'ref whose annotation does not exist', f'ref_id {ref.ref_id}, ann_id {ref.ann_ids[0]}'
        positives = [sentence for sentence in ref.sentences if sentence['exist']]
        if positives:
            self.load_report.drop(kind, self.refs_file, where, 'its positive sentences are skipped')
        else:
            self.load_report.note(kind, self.refs_file, where, 'it is not needed')
        ref.ann_ids = ()
        ref.sentences = [sentence for sentence in ref.sentences if not sentence['exist']]
