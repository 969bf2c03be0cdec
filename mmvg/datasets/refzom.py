"""Ref-ZOM: expressions that mean one, many or no object."""

from typing import Any

from mmvg.checks import check_choice
from mmvg.datasets.readers import CocoInstances, Ref, read_coco_instances, read_refs_file
from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.foreign_files import shown
from mmvg.registry import DATASETS

#: Names of the pickle: as the loaders expect it, as it is downloaded, and as it was called before.
REFS_FILES = ('refs(final).p', 'Ref-ZOM(final).p', 'Ref_ZOM.p')


@DATASETS.register_module()
class RefZOMDataset(ReferringDataset):
    """Ref-ZOM (arXiv:2308.13853): zero, one or many targets per expression.

    Reads ``refs(final).p`` (``Ref-ZOM(final).p`` as downloaded and the older ``Ref_ZOM.p`` are found too), with an
    unpickler that builds nothing but plain data, and ``instances.json``. The ``source`` of a ref alone says whether it
    has a target: one of source ``'zero'`` has none, even if it names annotations. A file without ``source`` has targets
    everywhere. For the items see :class:`ReferringDataset`.

    Args:
        split: ``'train'`` or ``'test'``, by equality.
        ann_file: The refs pickle; the default is a file below ``ref-zom`` as named above.
        instances_file: The default is ``ref-zom/instances.json``.
        img_prefix: Folder of the COCO 2014 images, training and validation ones together.
        text_field: ``'raw'``, as typed by the annotator, or ``'sent'``, lower case without punctuation.
        clip_to: Boxes are clipped to ``'edge'``, [0, w] and [0, h], or to ``'last_pixel'``, [0, w - 1] and [0, h - 1].
        common: Arguments of all datasets, see :class:`ReferringDataset`.

    Example:
        >>> dataset = RefZOMDataset('test', data_root='data/refshapes', img_prefix='ref-zom/trainval2014')
        >>> len(dataset), sum(item['no_target'] for item in dataset)
        (150, 33)
    """

    lists_all_objects = True

    def __init__(
        self,
        split: str,
        *,
        ann_file: str | None = None,
        instances_file: str | None = None,
        img_prefix: str = 'images/trainval2014',
        text_field: str = 'raw',
        clip_to: str = 'edge',
        **common: Any,
    ) -> None:
        self.text_field = check_choice('text_field', text_field, ('raw', 'sent'))
        self.clip_to = check_choice('clip_to', clip_to, ('edge', 'last_pixel'))
        files = dict(
            refs=ann_file or [f'ref-zom/{name}' for name in (*REFS_FILES, REFS_FILES[0])],
            instances=instances_file or 'ref-zom/instances.json',
        )
        super().__init__('refzom', split, files, img_prefix, **common)

    def read_annotations(self) -> tuple[list[Ref], CocoInstances]:
        refs = read_refs_file(self.files['refs'], self.split, self.text_field, self.load_report)
        coco = read_coco_instances(self.files['instances'], self.load_report)
        for ref in refs:
            ref.ann_ids = self._target_ids(ref, coco)
        return refs, coco

    def _target_ids(self, ref: Ref, coco: CocoInstances) -> tuple[int, ...]:
        """Return the annotations that ``ref`` means: none if its source is zero, else all that it names.

        Raises:
            DataError: If the source is no string, or a ref with targets names none.
        """
        file, report = self.files['refs'], self.load_report
        source = ref.record.get('source', 'one')
        where = f'ref_id {ref.ref_id} of source {shown(source)} has ann_id {shown(list(ref.ann_ids))}'
        if not isinstance(source, str):
            report.fail('source that is not a string', file, where)
        if source == 'zero':
            missing = [ann_id for ann_id in ref.ann_ids if ann_id != -1 and ann_id not in coco.annotations]
            if missing:
                report.problem('annotation that does not exist in a zero ref', file, where, 'it is not needed')
            return ()
        if not ref.ann_ids or -1 in ref.ann_ids:
            report.fail("no target in a ref whose source is not 'zero'", file, where)
        return ref.ann_ids
