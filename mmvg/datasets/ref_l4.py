"""Ref-L4: long expressions about objects of 365 classes."""

from typing import Any

from mmvg.checks import check_choice
from mmvg.datasets.readers import CocoInstances, Ref
from mmvg.datasets.readers.parquet import read_rows
from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.foreign_files import shown
from mmvg.registry import DATASETS

#: Expressions of all splits together.
RELEASED_EXPRESSIONS = 45341
_COLUMNS = ('caption', 'bbox', 'ori_category_id', 'image_id', 'height', 'width', 'file_name')


@DATASETS.register_module()
class RefL4Dataset(ReferringDataset):
    """Ref-L4 (arXiv:2406.16866): an expression per row, which means one box.

    Reads ``ref-l4-val.parquet`` and ``ref-l4-test.parquet``: ``id`` (``ann_id`` in the first release), ``caption``,
    ``bbox`` ``[x, y, w, h]``, ``file_name``, ``height``, ``width``. Unpack ``images.tar.gz`` into the image folder.
    There are no masks. ``ref_id`` and ``sent_id`` are the ``id``. For the items see :class:`ReferringDataset`; they
    have ``category`` too, the ``ori_category_id``. Score it with :class:`mmvg.evaluation.RefL4Metric`.

    Args:
        split: ``'val'``, ``'test'``, or ``'all'``, both.
        ann_files: Split -> file below ``data_root``.
        img_prefix: Image folder.
        common: Arguments of all datasets, see :class:`ReferringDataset`.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import pyarrow
        >>> import pyarrow.parquet
        >>> root = Path(tempfile.mkdtemp())
        >>> (root / 'ref-l4/images').mkdir(parents=True)
        >>> _ = (root / 'ref-l4/images/a.jpg').write_bytes(b'')
        >>> row = dict(id=1, caption='An antique camera.', bbox=[4.0, 6.0, 10.0, 8.0], ori_category_id='o365_41')
        >>> row.update(image_id='o365_7', file_name='a.jpg', height=60, width=80)
        >>> pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row]), root / 'ref-l4/ref-l4-val.parquet')
        >>> item = RefL4Dataset('val', data_root=str(root))[0]
        >>> item['text'], item['instances'][0]['bbox']
        ('An antique camera.', [4.0, 6.0, 14.0, 14.0])
    """

    with_mask = False

    def __init__(
        self,
        split: str,
        *,
        ann_files: dict[str, str] | None = None,
        img_prefix: str = 'ref-l4/images',
        **common: Any,
    ) -> None:
        check_choice('split', split, ('val', 'test', 'all'))
        ann_files = ann_files or {name: f'ref-l4/ref-l4-{name}.parquet' for name in ('val', 'test')}
        files = ann_files if split == 'all' else {split: ann_files[split]}
        super().__init__('ref-l4', split, files, img_prefix, **common)

    def read_annotations(self) -> tuple[list[Ref], CocoInstances]:
        report, first = self.load_report, next(iter(self.files.values()))
        images: dict[Any, dict] = {}
        annotations: list[dict] = []
        refs: list[Ref] = []
        for file in self.files.values():
            key = 'id' if 'id' in _columns(file) else 'ann_id'
            for row in read_rows(file, (key, *_COLUMNS)):
                sizes = dict(file_name=row['file_name'], height=row['height'], width=row['width'])
                image = images.setdefault(row['image_id'], dict(sizes, id=len(images) + 1))
                if image != dict(sizes, id=image['id']):
                    report.fail('two different images with one id', file, f'image_id {shown(row["image_id"])}')
                ann_id = len(annotations) + 1
                annotations.append(dict(id=ann_id, image_id=image['id'], bbox=row['bbox'], iscrowd=0))
                number = int(row[key])
                sentence = dict(sent_id=number, text=row['caption'])
                refs.append(Ref(number, image['id'], (ann_id,), self.split, [sentence], row))
        return refs, CocoInstances(first, list(images.values()), annotations, report)

    def item_fields(self, ref: Ref) -> dict:
        return dict(category=ref.record['ori_category_id'])


def _columns(file) -> list[str]:
    from mmvg.datasets.readers.parquet import open_parquet

    return open_parquet(file, ()).schema_arrow.names
