"""R-RefCOCO, R-RefCOCO+ and R-RefCOCOg: RefCOCO with expressions that mean nothing in the image."""

from typing import Any

from mmvg.checks import check_choice
from mmvg.datasets.readers import CocoInstances, Ref, as_id, read_coco_instances, read_refs_file, require_one_target
from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.foreign_files import shown
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
        ann_file: The refs pickle; the default is ``<dataset>/refs(<split_by>).p``.
        instances_file: The default is ``<dataset>/instances.json``.
        img_prefix: Folder of the COCO train2014 images.
        text_field: ``'raw'``, as typed by the annotator, or ``'sent'``, lower case without punctuation.
        clip_to: Boxes are clipped to ``'edge'``, [0, w] and [0, h], or to ``'last_pixel'``, [0, w - 1] and [0, h - 1].
        common: Arguments of all datasets, see :class:`ReferringDataset`.

    Example:
        >>> dataset = RRefDataset('rrefcoco', 'val', data_root='data/refshapes')
        >>> [(dataset[i]['ref_id'], dataset[i]['text'], dataset[i]['no_target']) for i in (0, 3)]
        [(59, 'Ring below the dotted ring', False), (59, 'The triangle in the top left corner', True)]
    """

    lists_all_objects = True

    def __init__(
        self,
        dataset: str,
        split: str,
        split_by: str = 'unc',
        *,
        ann_file: str | None = None,
        instances_file: str | None = None,
        img_prefix: str = 'images/train2014',
        text_field: str = 'raw',
        clip_to: str = 'edge',
        **common: Any,
    ) -> None:
        check_choice('dataset', dataset, RREFCOCO_NAMES)
        self.text_field = check_choice('text_field', text_field, ('raw', 'sent'))
        self.clip_to = check_choice('clip_to', clip_to, ('edge', 'last_pixel'))
        files = dict(
            refs=ann_file or f'{dataset}/refs({split_by}).p',
            instances=instances_file or f'{dataset}/instances.json',
        )
        super().__init__(dataset, split, files, img_prefix, **common)

    def read_annotations(self) -> tuple[list[Ref], CocoInstances]:
        file, report = self.files['refs'], self.load_report
        refs = read_refs_file(file, self.split, self.text_field, report)
        coco = read_coco_instances(self.files['instances'], report)
        for ref in refs:
            require_one_target(ref, file, report)
            self._mark_negatives(ref)
            if ref.ann_ids[0] not in coco.annotations:
                self._leave_negatives(ref)
        return refs, coco

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
                self.load_report.fail(
                    'exist that is neither true nor false', self.files['refs'], f'{where}: {shown(exist)}'
                )
            key = as_id(sentence['sent_id'], 'sent_id', self.files['refs'], where, self.load_report)
            marks.setdefault(key, bool(exist))
        ref.sentences = [dict(sentence, exist=marks[sentence['sent_id']]) for sentence in ref.sentences]

    def _leave_negatives(self, ref: Ref) -> None:
        """Do without the positive sentences of a ref whose annotation is missing, as odd ones in the real files are."""
        kind, where = 'ref whose annotation does not exist', f'ref_id {ref.ref_id}, ann_id {ref.ann_ids[0]}'
        positives = [sentence for sentence in ref.sentences if sentence['exist']]
        if positives:
            self.load_report.drop(kind, self.files['refs'], where, 'its positive sentences are skipped')
        else:
            self.load_report.note(kind, self.files['refs'], where, 'it is not needed')
        ref.ann_ids = ()
        ref.sentences = [sentence for sentence in ref.sentences if not sentence['exist']]
