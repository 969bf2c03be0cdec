"""Ref-ZOM: expressions that mean one, many or no object."""

from collections.abc import Callable, Sequence
from pathlib import Path

from mmvg.checks import check_choice
from mmvg.datasets.coco_instances import CocoInstances, read_coco_instances
from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.datasets.refs import Ref, read_refs, select_split
from mmvg.datasets.safe_reading import read_pickle
from mmvg.datasets.targets import TargetReader
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
        data_root: Folder that the other paths are relative to.
        ann_file: The refs pickle; the default is a file below ``ref-zom`` as named above.
        instances_file: The default is ``ref-zom/instances.json``.
        img_prefix: Folder of the COCO 2014 images, training and validation ones together.
        sentence_mode: ``'all'``: an item per sentence; ``'random'``: an item per ref, with one sentence drawn at each
            access (training only).
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
        split: str,
        data_root: str = 'data',
        ann_file: str | None = None,
        instances_file: str | None = None,
        img_prefix: str = 'images/trainval2014',
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
        root = Path(data_root)
        self.refs_file = root / ann_file if ann_file else _default_refs_file(root / 'ref-zom')
        self.instances_file = root / (instances_file or 'ref-zom/instances.json')
        self.text_field = check_choice('text_field', text_field, ('raw', 'sent'))
        self.clip_to = check_choice('clip_to', clip_to, ('edge', 'last_pixel'))
        super().__init__(
            name='refzom',
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
            ref.ann_ids = self._target_ids(ref, coco)
        targets = TargetReader(coco, self.load_report, crowd='keep', clip_to=self.clip_to, with_mask=True)
        return self.make_items(refs, coco, targets, self.refs_file)

    def _target_ids(self, ref: Ref, coco: CocoInstances) -> tuple[int, ...]:
        """The annotations that ``ref`` means: none if its source is zero, else all that it names.

        Raises:
            DataError: If the source is no string, or a ref with targets names none.
        """
        file, report = self.refs_file, self.load_report
        source = ref.record.get('source', 'one')
        where = f'ref_id {ref.ref_id} of source {source!r} has ann_id {list(ref.ann_ids)}'
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


def _default_refs_file(folder: Path) -> Path:
    return next((folder / name for name in REFS_FILES if (folder / name).is_file()), folder / REFS_FILES[0])
